import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobOf } from '../../src/cli/job-of.js';
import { parse } from '../../src/cli/parse.js';
import { reportFailure, reportOutcome, reportStart } from '../../src/cli/report.js';
import { CommandError, LockNotAcquiredError, ServiceUnreachableError } from '../../src/util/errors.js';
import { printable, showWords } from '../../src/util/words.js';

const asked = { url: 'zk://a', chosenBy: 'ZKHOSTS' };

function recorder() {
  const lines: string[] = [];
  const at = (level: string) => (fields: { hint?: unknown }, message: string) =>
    void lines.push(`${level} ${message}${fields.hint === undefined ? '' : ` (${fields.hint})`}`);
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

test('the first line says which lock of which service, and who chose it', () => {
  const { log, lines } = recorder();
  const command = { file: 'echo', args: ['a b'] };
  const start = {
    chosenBy: 'ZKHOSTS',
    resource: 'lockex/ab',
    command,
    level: 'walk',
    budget: undefined,
  } as const;
  reportStart(log, { ...start, url: 'zk://a:1', named: false });
  reportStart(log, { ...start, url: 'redis://:s3cret@a:1', named: true });
  assert.deepEqual(lines, [
    `info lock lockex/ab (that of echo 'a b') at zk://a:1 (ZKHOSTS); isolation: walk`,
    'info lock lockex/ab at redis://…@a:1 (ZKHOSTS); isolation: walk',
  ]);
});

test('the last line says why it ended', () => {
  const { log, lines } = recorder();
  reportOutcome(log, { how: 'command-ended', status: { how: 'exited', code: 3 } });
  reportOutcome(log, { how: 'command-ended', status: { how: 'killed', signal: 'SIGKILL' } });
  reportOutcome(log, { how: 'told-to-stop', by: 'SIGTERM' });
  assert.deepEqual(lines, [
    'info the command exited with 3; the lock is given back',
    'info the command died of SIGKILL; the lock is given back',
    'info stopped by SIGTERM',
  ]);
});

test('a failure is one line; a bug says that it is one, and shows its stack to who debugs', () => {
  const { log, lines } = recorder();
  const command = { file: 'x', args: [] };
  reportFailure(log, new ServiceUnreachableError('no server', { hint: 'start one' }), command, asked);
  reportFailure(log, new LockNotAcquiredError('not free'), command, asked);
  reportFailure(log, new TypeError('x is undefined'), command, asked);
  assert.deepEqual(lines, [
    'error no server (start one)',
    'warn not free',
    'error a bug in lockex, please report it: x is undefined',
    'debug where it happened',
  ]);
});

test('a command line in one word that is not found is told of --shell', () => {
  const { log, lines } = recorder();
  const missing = new CommandError('not-found', 'no such file', { hint: 'check it' });
  reportFailure(log, missing, { file: 'echo a', args: [] }, asked);
  reportFailure(log, missing, { file: 'echo a', args: ['b'] }, asked);
  reportFailure(log, missing, { file: 'echo', args: [] }, asked);
  assert.deepEqual(lines, [
    `error no such file (did you mean: lockex -- echo a; or, for a shell: lockex --shell -- 'echo a')`,
    'error no such file (check it)',
    'error no such file (check it)',
  ]);
});

const silent = { onQueue: () => {}, describe: () => '' };

test('a job carries what was asked for, and names us to the others', () => {
  const request = parse(
    ['-i', 'x', '--loss-grace', '1', '--hold', '3', '--', 'echo', 'a\nb', 'y'.repeat(100)],
    {},
  );
  assert.ok(request.kind === 'run');
  const job = jobOf(request.settings, { host: 'h', pid: 7, env: { A: 'b' }, ...silent });
  const { identity, lossGraceMs, holdMs, resource } = job.claim;
  assert.deepEqual(
    { host: identity.host, pid: identity.pid, lossGraceMs, holdMs, resource, id: job.lockId },
    {
      host: 'h',
      pid: 7,
      lossGraceMs: 1000,
      holdMs: 3000,
      resource: 'lockex/x',
      id: 'x',
    },
  );
  assert.match(identity.command, /^echo 'a\?b' y+…$/);
  assert.equal(identity.command.length, 80);
});

test('words are shown as they could be typed', () => {
  assert.equal(showWords(['a', 'a b', '', "it's", '$x']), `a 'a b' '' 'it'\\''s' '$x'`);
  assert.equal(printable('äöü', 3), 'äöü');
  assert.equal(printable('äöüß', 3), 'äö…');
});
