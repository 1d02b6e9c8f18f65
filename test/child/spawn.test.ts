import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { test } from 'node:test';
import type { SignalName } from '../../src/child/child.js';
import { exitStatusOf } from '../../src/child/exit-status.js';
import type { IsolationLevel } from '../../src/child/isolation.js';
import { readProcess } from '../../src/child/proc.js';
import { atEachLevel } from './levels.js';

/** Signals that end a process which does nothing about them (signal(7)). */
const DEADLY: readonly SignalName[] = [
  ...([
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGILL',
    'SIGTRAP',
    'SIGABRT',
    'SIGBUS',
    'SIGFPE',
    'SIGKILL',
  ] as const),
  ...(['SIGUSR1', 'SIGSEGV', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM', 'SIGSTKFLT', 'SIGXCPU'] as const),
  ...(['SIGXFSZ', 'SIGVTALRM', 'SIGPROF', 'SIGIO', 'SIGPWR', 'SIGSYS'] as const),
];

/** All of them where that is cheap, otherwise the edges, those with a meaning of their own, and some between. */
function exitCodes(level: IsolationLevel): number[] {
  const told = [0, 1, 2, 63, 64, 75, 125, 126, 127, 128, 129, 137, 143, 192, 254, 255];
  return level === 'walk' ? told : Array.from({ length: 256 }, (_, code) => code);
}

atEachLevel('lockex reports every exit code of its command, 0 to 255', async (stage) => {
  const all = exitCodes(stage.level);
  for (let from = 0; from < all.length; from += 32) {
    const codes = all.slice(from, from + 32);
    const children = await Promise.all(codes.map((code) => stage.shell(`exit ${code}`)));
    const statuses = await Promise.all(children.map((child) => child.exited));
    assert.deepEqual(
      statuses,
      codes.map((code) => ({ how: 'exited', code })),
    );
  }
});

atEachLevel('lockex reports every signal that its command dies of', async (stage) => {
  const children = await Promise.all(
    DEADLY.map((name) => stage.shell(`ulimit -c 0; kill -${constants.signals[name]} $$`)),
  );
  const statuses = await Promise.all(children.map((child) => child.exited));
  assert.deepEqual(
    statuses,
    DEADLY.map((signal) => ({ how: 'killed', signal })),
  );
});

test('an end without a code and without a signal is never reported as a success', () => {
  assert.throws(() => exitStatusOf(null, null), TypeError);
});

atEachLevel('the arguments reach the command byte for byte, without a shell', async (stage) => {
  const args = [
    'a b',
    '',
    "it's",
    '"q"',
    'line\nfeed\n',
    '--',
    '-x',
    '$HOME `id` * ?',
    '\\',
    '\t\u0001\u007f',
    'ä€😀',
    ' ',
  ];
  const program = 'open(F, ">", "$ENV{STAGE}/args"); print F map { "$_\\0" } @ARGV; close F';
  const child = await stage.start('perl', ['-e', program, '--', ...args]);
  assert.deepEqual(await child.exited, { how: 'exited', code: 0 });
  assert.equal(stage.text('args'), args.map((arg) => `${arg}\0`).join(''));
});

atEachLevel(
  'the command has exactly the environment that it was given, and the mark of its tree',
  async (stage) => {
    const env = { PATH: process.env['PATH'], STAGE: stage.dir, ODD: ' a=b\nc ', LOCKEX_TREE: 'outer' };
    const child = await stage.start(
      'perl',
      ['-e', 'open(F, ">", "$ENV{STAGE}/env"); print F map { "$_=$ENV{$_}\\0" } sort keys %ENV'],
      {
        env,
      },
    );
    await child.exited;
    const expected = { ...env, LOCKEX_TREE: `outer ${stage.treeId}` };
    const lines = Object.entries(expected).map(([name, value]) => `${name}=${value}\0`);
    assert.equal(stage.text('env'), lines.sort().join(''));
  },
);

atEachLevel(
  'of the files that lockex has open, the command gets standard input, output and error alone',
  async (stage, t) => {
    const before = new Set(openFiles());
    const file = openSync(stage.path('open'), 'w');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      closeSync(file);
      server.close();
    });
    const ours = openFiles().filter((target) => !before.has(target));
    assert.ok(ours.length >= 2, 'a file and a socket');
    const program =
      'open(F, ">", "$ENV{STAGE}/found"); print F map { (readlink("/proc/self/fd/$_") || "") . "\n" } 0 .. 1023';
    const found = () => stage.text('found').split('\n');

    await (await stage.start('perl', ['-e', program])).exited;
    assert.deepEqual(
      found().slice(0, 3),
      [0, 1, 2].map((fd) => readlinkSync(`/proc/self/fd/${fd}`)),
    );
    assert.deepEqual(
      found().filter((target) => ours.includes(target)),
      [],
    );

    // The twin: a file that is handed on is found by this program.
    const leaky = spawn('perl', ['-e', program], {
      stdio: ['inherit', 'inherit', 'inherit', file],
      env: { ...process.env, STAGE: stage.dir },
    });
    await once(leaky, 'exit');
    assert.ok(found().includes(stage.path('open')));
  },
);

/** What is open in this process, as the kernel names it. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return []; // the one that the listing itself had open
    }
  });
}

atEachLevel(
  'the command begins with the default action of every signal, even of those that lockex ignores',
  async (stage) => {
    const child = await stage.shell('grep -E "^Sig(Blk|Ign)" /proc/self/status > "$STAGE/signals"');
    await child.exited;
    assert.match(stage.text('signals'), /^SigBlk:\s0{16}\nSigIgn:\s0{16}\n$/);
  },
);

atEachLevel(
  'without a terminal the command leads a session and a group of its own; with one it is in that of lockex',
  async (stage) => {
    const program =
      'open(F, ">", "$ENV{STAGE}/$ARGV[0]"); print F getpgrp(0) == $$ ? "leads" : getpgrp(0) == $ARGV[1] ? "shares" : "?"';
    for (const group of ['own', 'shared'] as const) {
      const child = await stage.start('perl', ['-e', program, group, String(readProcess('self')?.group)], {
        group,
      });
      assert.equal(child.group, group);
      await child.exited;
    }
    assert.equal(stage.text('own'), 'leads');
    assert.equal(stage.text('shared'), 'shares');
  },
);
