import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { LOCKEX, lockex } from '../helpers/lockex.js';
import { alive, statOf } from '../helpers/processes.js';
import { KEYS, Pty } from '../helpers/pty.js';
import { type Scope, scope } from '../helpers/scope.js';
import { inState, onTerminal, ownLock, pidOf } from './terminal-stage.js';

/**
 * Says `ready PID`, then `NAME 1`, `NAME 2`… for each signal it gets, and ends at the word `end`.
 * Perl counts what arrives while it handles another.
 */
const COUNTS = `
  $| = 1;
  for my $name (qw(INT QUIT WINCH USR1)) { my $n = 0; $SIG{$name} = sub { $n++; print "$name $n\\n" } }
  print "ready $$\\n";
  while (1) { my $line = <STDIN>; last if defined $line && $line eq "end\\n" }
  exit 9;
`;

/**
 * How many signals of this name the command has been given by the time that another one, sent to whoever stands
 * between the terminal and the command and handed on by it, has arrived: what was to be handed on came before.
 */
async function countOf(pty: Pty, name: string): Promise<number> {
  process.kill(await pty.pid(), 'SIGUSR1');
  await pty.shows('USR1 1');
  return pty.screen.match(new RegExp(`${name} \\d+`, 'g'))?.length ?? 0;
}

test("trap 45: stdin, stdout, stderr inherited unbuffered (isatty preserved; closed stdout/EPIPE doesn't kill the supervision) (a terminal, and /dev/tty)", async (t) => {
  const on = scope(t);
  const command =
    'for fd in 0 1 2; do test -t $fd && echo "$fd is one"; done; tty; echo again >/dev/tty; exit 7';
  const pty = await onTerminal(on, ['-q', ...(await ownLock(on)), '--', 'sh', '-c', command]);
  assert.deepEqual(await pty.exited, { code: 7, signal: null });
  assert.match(pty.screen, /^0 is one\r\n1 is one\r\n2 is one\r\n\/dev\/pts\/\d+\r\nagain\r\n$/);
});

test('trap 41: HUP, QUIT, USR1, USR2, WINCH, CONT, TSTP forwarded; Ctrl-C at a tty delivers exactly one INT to the child; foreground tty control and job control work (a terminal)', async (t) => {
  const on = scope(t);
  for (const [name, act] of [
    ['INT', (pty: Pty) => pty.type(KEYS.CTRL_C)],
    ['QUIT', (pty: Pty) => pty.type(KEYS.CTRL_BACKSLASH)],
    ['WINCH', (pty: Pty) => pty.resize(132, 43)],
  ] as const) {
    const pty = await onTerminal(on, ['-q', ...(await ownLock(on)), '--', 'perl', '-e', COUNTS]);
    await pidOf(pty);
    act(pty);
    await pty.shows(`${name} 1`);
    assert.equal(await countOf(pty, name), 1);
    pty.type('end\n');
    assert.deepEqual(await pty.exited, { code: 9, signal: null });
  }
});

test('a supervisor that handed on what the terminal delivers would have it counted twice', async (t) => {
  // Between the terminal and the command stands a supervisor with the rule left out. It hands INT on late, so that
  // the two cannot fall into one.
  const naive = `
    my $pid = fork // die; exec 'perl', '-e', $ARGV[0] unless $pid;
    my $held; $SIG{INT} = sub { $held = 1 };
    $SIG{USR1} = sub { kill INT => $pid if $held; kill USR1 => $pid };
    1 while waitpid($pid, 0) != $pid;
    exit $? >> 8;
  `;
  const pty = await scope(t).use(new Pty('perl', ['-e', naive, COUNTS]));
  await pidOf(pty);
  pty.type(KEYS.CTRL_C);
  await pty.shows('INT 1');
  assert.equal(await countOf(pty, 'INT'), 2);
  pty.type('end\n');
  assert.deepEqual(await pty.exited, { code: 9, signal: null });
});

test('a command that dies of Ctrl-C or Ctrl-\\ ends lockex with 130 or 131', async (t) => {
  const on = scope(t);
  for (const [keys, code] of [
    [KEYS.CTRL_C, 130],
    [KEYS.CTRL_BACKSLASH, 131],
  ] as const) {
    const stays = 'ulimit -c 0; echo ready $$; exec sleep 300';
    const pty = await onTerminal(on, ['-q', ...(await ownLock(on)), '--', 'sh', '-c', stays]);
    await pidOf(pty);
    pty.type(keys);
    assert.deepEqual(await pty.exited, { code, signal: null });
    assert.match(pty.screen, /^ready \d+\r\n\^[C\\]$/);
  }
});

/** A shell with job control, and a command under lockex typed to it. dash leaves the terminal's modes alone. */
async function typed(on: Scope, options: string, command: string, end = '') {
  const shell = await on.use(new Pty('sh', ['-i'], { env: { PS1: 'prompt: ' } }));
  await shell.shows('prompt: ');
  shell.type(`${LOCKEX} ${options} ${(await ownLock(on)).join(' ')} -- sh -c '${command}' ${end}\n`);
  const pid = await pidOf(shell);
  // Between the two stands the guardian.
  const guardian = statOf(pid)?.parent ?? 0;
  return { shell, command: pid, supervisor: statOf(guardian)?.parent ?? 0 };
}

const ASKS = 'echo ready $$; read word; echo "got $word"; exit 5';

/** Asks the shell for the status of its last job, and ends it. */
async function expectStatus(shell: Pty, status: number): Promise<void> {
  shell.type('echo "status $?"; exit 0\n');
  assert.deepEqual(await shell.exited, { code: 0, signal: null });
  assert.match(shell.screen, new RegExp(`status ${status}\r\n`));
}

test('Ctrl-Z suspends the command, lockex stays and says so, and a second Ctrl-Z resumes it', async (t) => {
  const { shell, command, supervisor } = await typed(scope(t), '', ASKS);
  shell.type(KEYS.CTRL_Z);
  await shell.shows(
    /warn: the command is suspended, and lockex stays to keep the lock: Ctrl-Z again resumes it/,
  );
  await inState(command, 'T');
  await inState(supervisor, 'S');
  shell.type(KEYS.CTRL_Z);
  await inState(command, 'S');
  shell.type('word\n');
  await shell.shows('got word\r\n');
  await until(() => !alive(supervisor), 'lockex has ended');
  await expectStatus(shell, 5);
});

test('a suspended command that is to end, ends', async (t) => {
  const { shell, command, supervisor } = await typed(scope(t), '', 'echo ready $$; exec sleep 300');
  shell.type(KEYS.CTRL_Z);
  await inState(command, 'T');
  process.kill(supervisor, 'SIGTERM');
  await until(() => !alive(supervisor), 'lockex has ended');
  await expectStatus(shell, 143);
});

test('in the background, a command that reads the terminal stops, lockex does not, and fg lets it read', async (t) => {
  const { shell, command, supervisor } = await typed(scope(t), '-q', ASKS, '&');
  await inState(command, 'T');
  await inState(supervisor, 'S');
  // dash sends SIGCONT with every fg.
  shell.type('fg\n');
  await inState(command, 'S');
  shell.type('word\n');
  await shell.shows('got word\r\n');
  await until(() => !alive(supervisor), 'lockex has ended');
  await expectStatus(shell, 5);
});

test('a closed terminal ends the command, and lockex with it', async (t) => {
  const on = scope(t);
  const lock = await ownLock(on);
  const pty = await onTerminal(on, [...lock, '--', 'sh', '-c', 'echo ready $$; exec sleep 300']);
  const command = await pidOf(pty);
  pty.hangUp();
  await pty.expectNoStray();
  assert.equal(alive(command), false);
  const next = await on.use(lockex([...lock, '-n', '--', 'true']));
  assert.deepEqual(await next.exited, { code: 0, signal: null });
});

test('fg of bash lets a command read that the terminal had stopped', async (t) => {
  const on = scope(t);
  // bash sends no SIGCONT to a job that it takes to be running, as lockex is.
  const shell = await on.use(new Pty('bash', ['--norc', '-i'], { env: { PS1: 'prompt: ' } }));
  await shell.shows('prompt: ');
  shell.type(
    `${LOCKEX} -q ${(await ownLock(on)).join(' ')} -- sh -c 'echo ready $$; read word; echo "got $word"' &\n`,
  );
  const command = await pidOf(shell);
  await inState(command, 'T');
  shell.type('fg\n');
  await inState(command, 'S');
  shell.type('word\n');
  await shell.shows('got word');
});

test('a command that ignores Ctrl-Z is not said to be suspended', async (t) => {
  const on = scope(t);
  const shell = await on.use(new Pty('sh', ['-i'], { env: { PS1: 'prompt: ' } }));
  await shell.shows('prompt: ');
  const deaf = `trap "" TSTP; echo ready $$; read word; echo "got $word"`;
  shell.type(`${LOCKEX} ${(await ownLock(on)).join(' ')} -- sh -c '${deaf}'\n`);
  await pidOf(shell);
  shell.type(KEYS.CTRL_Z);
  await shell.shows('^Z');
  shell.type('word\n');
  await shell.shows('got word');
  assert.doesNotMatch(shell.screen, /the command is suspended/);
});
