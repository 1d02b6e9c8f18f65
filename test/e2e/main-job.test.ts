import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { alive } from '../helpers/processes.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock, running, run as runOn, STAYS, waiting } from './stage.js';

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper();
  probe = await Probe.open(zookeeper.address);
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

const run = (t: TestContext, options: readonly string[], command: readonly string[]) =>
  runOn(t, zookeeper.address, options, command);

const nodesOf = (lock: string) => probe.children(`/lockex/${lock}`).catch(() => []);

test('runs the command with the lock’s facts in its environment, and exits with its status', async (t) => {
  const it = await run(t, ['-i', 'x'], ['sh', '-c', 'env | grep ^LOCKEX_ | sort; exit 3']);
  assert.deepEqual(await it.exited, { code: 3, signal: null });
  const lines = it.stdout.trim().split('\n');
  assert.deepEqual(
    lines.map((line) => line.replace(/=.*/, '')),
    [
      'LOCKEX_FENCING_TOKEN',
      'LOCKEX_HOLDER',
      'LOCKEX_LOCK_ID',
      'LOCKEX_LOCK_PATH',
      'LOCKEX_SESSION_TIMEOUT_MS',
      'LOCKEX_TREE',
      'LOCKEX_VERIFY',
    ],
  );
  assert.match(
    it.stdout,
    /LOCKEX_HOLDER=\S+:\d+\nLOCKEX_LOCK_ID=x\nLOCKEX_LOCK_PATH=\/lockex\/x\nLOCKEX_SESSION_TIMEOUT_MS=4000/,
  );
});

test('of several hosts one runs the command, the others wait in line, and the next starts when it ends', async (t) => {
  const lock = freshLock();
  const first = await run(t, ['-i', lock], STAYS);
  const pid = await running(first);
  const second = await run(t, ['-i', lock], STAYS);
  await waiting(second);
  const third = await run(t, ['-i', lock], STAYS);
  await waiting(third);
  assert.equal(second.stdout + third.stdout, '');
  assert.match(second.stderr, /held by .*:\d+/);
  process.kill(pid, 'SIGKILL');
  assert.deepEqual(await first.exited, { code: 137, signal: null });
  await running(second);
  assert.equal(third.stdout, '');
  second.kill('SIGTERM');
  assert.deepEqual(await second.exited, { code: 143, signal: null });
  await running(third);
});

test('trap 46: Env: nested runs see their own token/path, not the outer; token strictly increases across successive holders, also across session changes, parent re-creation, sequence wrap (from holder to holder)', async (t) => {
  const lock = freshLock();
  const tokens: bigint[] = [];
  for (let i = 0; i < 3; i += 1) {
    const it = await run(t, ['-i', lock], ['sh', '-c', 'echo $LOCKEX_FENCING_TOKEN']);
    await it.exited;
    tokens.push(BigInt(it.stdout.trim()));
  }
  assert.deepEqual(
    tokens,
    [...tokens].sort((a, b) => (a < b ? -1 : 1)),
  );
  assert.equal(new Set(tokens).size, 3);
});

test('trap 46: Env: nested runs see their own token/path, not the outer; token strictly increases across successive holders, also across session changes, parent re-creation, sequence wrap (nested)', async (t) => {
  const [outer, inner] = [freshLock(), freshLock()];
  const nested = `echo $LOCKEX_LOCK_ID $LOCKEX_FENCING_TOKEN; "$0" -q -z ${zookeeper.address} -T 4 -i ${inner} -- sh -c 'echo $LOCKEX_LOCK_ID $LOCKEX_FENCING_TOKEN'`;
  const binary = new URL('../../bin/lockex', import.meta.url).pathname;
  const it = await run(t, ['-i', outer], ['sh', '-c', nested, binary]);
  assert.equal((await it.exited).code, 0, it.stderr);
  const [[outerId, outerToken], [innerId, innerToken]] = it.stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ')) as [[string, string], [string, string]]; // two lines of two words, or the next asserts fail
  assert.deepEqual([outerId, innerId], [outer, inner]);
  assert.ok(BigInt(innerToken) > BigInt(outerToken));
});

test('a run inside of one with the same lock is warned that it may wait for itself', async (t) => {
  const lock = freshLock();
  const nested = `"$0" -z ${zookeeper.address} -T 4 -i ${lock} -n -- true; echo inner $?`;
  const binary = new URL('../../bin/lockex', import.meta.url).pathname;
  const it = await run(t, ['-i', lock], ['sh', '-c', nested, binary]);
  assert.equal((await it.exited).code, 0);
  assert.equal(it.stdout, 'inner 1\n');
  assert.match(it.stderr, /may wait for itself/);
});

test('-c N lets N run at once and makes the next one wait', async (t) => {
  const lock = freshLock();
  const two = [await run(t, ['-i', lock, '-c', '2'], STAYS), await run(t, ['-i', lock, '-c', '2'], STAYS)];
  for (const it of two) await running(it);
  const third = await run(t, ['-i', lock, '-c', '2'], STAYS);
  await waiting(third);
  two[0]?.kill('SIGTERM');
  await running(third);
});

test('--shared runs beside --shared, and neither beside a plain run', async (t) => {
  const lock = freshLock();
  const readers = [
    await run(t, ['-i', lock, '--shared'], STAYS),
    await run(t, ['-i', lock, '--shared'], STAYS),
  ];
  for (const it of readers) await running(it);
  const writer = await run(t, ['-i', lock], STAYS);
  await waiting(writer);
  readers[0]?.kill('SIGTERM');
  await readers[0]?.exited;
  assert.equal(writer.stdout, '');
  readers[1]?.kill('SIGTERM');
  await running(writer);
});

test('--once and -t end with the status for “not acquired”, and -E chooses it', async (t) => {
  const lock = freshLock();
  const holder = await run(t, ['-i', lock], STAYS);
  await running(holder);
  for (const [options, code] of [
    [['-n'], 1],
    [['--no-blocking'], 1],
    [['-t', '0'], 1],
    [['-t', '0.3'], 1],
    [['-n', '-E', '42'], 42],
  ] as const) {
    const it = await run(t, ['-i', lock, ...options], ['echo', 'ran']);
    assert.deepEqual(await it.exited, { code, signal: null }, options.join(' '));
    assert.equal(it.stdout, '');
    assert.match(it.stderr, /not free/);
  }
  assert.equal((await nodesOf(lock)).length, 1);
});

test("trap 38: Exit 0..255 passed exactly and within 100 ms; death by signal n gives 128+n; exec failure 127/126; lock-lost code wins over the child's code caused by our kill (what the built binary ends with)", async (t) => {
  for (const code of [0, 1, 2, 63, 64, 75, 125, 126, 127, 128, 143, 254, 255]) {
    const it = await run(t, ['-q', '-i', 'status'], ['sh', '-c', `exit ${code}`]);
    assert.deepEqual(await it.exited, { code, signal: null });
  }
});

test("trap 38: Exit 0..255 passed exactly and within 100 ms; death by signal n gives 128+n; exec failure 127/126; lock-lost code wins over the child's code caused by our kill (a command that dies of a signal)", async (t) => {
  const names = [
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGILL',
    'SIGTRAP',
    'SIGABRT',
    'SIGBUS',
    'SIGFPE',
    'SIGKILL',
    'SIGUSR1',
    'SIGSEGV',
    'SIGUSR2',
    'SIGPIPE',
    'SIGALRM',
    'SIGTERM',
    'SIGXCPU',
    'SIGVTALRM',
    'SIGSYS',
  ] as const;
  const runs = await Promise.all(
    names.map((name) =>
      run(t, ['-q', '-i', `died-${name}`], ['sh', '-c', `ulimit -c 0; kill -${constants.signals[name]} $$`]),
    ),
  );
  for (const [index, it] of runs.entries()) {
    const name = names[index] ?? 'SIGHUP';
    assert.deepEqual(await it.exited, { code: 128 + constants.signals[name], signal: null }, name);
  }
});

test("trap 38: Exit 0..255 passed exactly and within 100 ms; death by signal n gives 128+n; exec failure 127/126; lock-lost code wins over the child's code caused by our kill (what is no program, or not there)", async (t) => {
  const missing = await run(t, [], ['/no/such/program']);
  assert.equal((await missing.exited).code, 127);
  const directory = await run(t, [], ['/etc']);
  assert.equal((await directory.exited).code, 126);
  const plain = await run(t, [], ['/etc/passwd']);
  assert.equal((await plain.exited).code, 126);
  for (const it of [missing, directory, plain]) assert.doesNotMatch(it.stderr, /\n\s+at /);
});

test('trap 43: Command exits but leaves a background grandchild: policy is explicit (kill, wait or release) and tested (it is killed)', async (t) => {
  const lock = freshLock();
  const it = await run(
    t,
    ['-i', lock, '-k', '0.3'],
    ['sh', '-c', `trap '' TERM; (trap '' TERM; sleep 300 & echo ready $!; wait) & sleep 0.2; exit 0`],
  );
  const pid = await running(it);
  assert.deepEqual(await it.exited, { code: 0, signal: null });
  assert.equal(alive(pid), false);
});

test('a daemon that left the session is stopped before the lock is given back', async (t) => {
  const lock = freshLock();
  const it = await run(
    t,
    ['-i', lock],
    ['sh', '-c', 'setsid -f sh -c "echo ready \\$\\$; exec sleep 300" </dev/null; exec sleep 300'],
  );
  const pid = await running(it);
  let aliveAtRelease: boolean | undefined;
  it.kill('SIGTERM');
  await until(async () => {
    const left = (await nodesOf(lock)).length;
    if (left === 0) aliveAtRelease ??= alive(pid);
    return left === 0;
  }, 'the lock is given back');
  assert.equal(aliveAtRelease, false);
  assert.equal((await it.exited).code, 143);
});

test('trap 42: The lock node still exists until the last process of the tree is reaped, in normal exit, TERM, timeout and hook failure; if kill fails the node is kept (a slow end)', async (t) => {
  const lock = freshLock();
  const dir = await scope(t).use(tempDir('witness'));
  // The command takes its time to end; whoever gets the lock next notes whether it still was there.
  const stays = `trap 'sleep 0.5; exit 0' TERM; echo ready $$; while :; do sleep 0.05; done`;
  const first = await run(t, ['-i', lock], ['sh', '-c', stays]);
  const pid = await running(first);
  const second = await run(
    t,
    ['-i', lock],
    ['sh', '-c', `kill -0 ${pid} 2>/dev/null && touch ${dir.join('overlap')}; echo ready $$`],
  );
  await waiting(second);
  first.kill('SIGTERM');
  assert.deepEqual(await first.exited, { code: 0, signal: null });
  assert.equal((await second.exited).code, 0);
  assert.equal(existsSync(dir.join('overlap')), false);
});

test("trap 40: A child ignoring TERM is killed at grace end; a child that cleans up within the grace isn't KILLed; a second TERM/INT escalates (it ignores TERM, and the status says by what it was told)", async (t) => {
  const it = await run(
    t,
    ['-i', freshLock(), '-k', '0.3'],
    ['sh', '-c', `trap '' TERM INT; echo ready $$; while :; do sleep 0.1; done`],
  );
  await running(it);
  it.kill('SIGTERM');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
});

test("trap 40: A child ignoring TERM is killed at grace end; a child that cleans up within the grace isn't KILLed; a second TERM/INT escalates (a second signal)", async (t) => {
  const it = await run(
    t,
    ['-i', freshLock(), '-k', '600'],
    ['sh', '-c', `trap 'echo told' TERM; echo ready $$; while :; do sleep 0.05; done`],
  );
  await running(it);
  it.kill('SIGTERM');
  await until(() => it.stdout.includes('told'), 'the command was told');
  it.kill('SIGTERM');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
});

test('trap 41: HUP, QUIT, USR1, USR2, WINCH, CONT, TSTP forwarded; Ctrl-C at a tty delivers exactly one INT to the child; foreground tty control and job control work (no terminal)', async (t) => {
  const names = ['HUP', 'USR1', 'USR2', 'QUIT', 'WINCH', 'CONT'];
  const traps = names.map((name) => `trap 'echo got ${name}' ${name}`).join('; ');
  const it = await run(
    t,
    ['-i', freshLock()],
    ['bash', '-c', `${traps}; echo ready $$; while :; do sleep 0.05; done`],
  );
  await running(it);
  for (const name of names) {
    it.kill(`SIG${name}` as NodeJS.Signals); // the names above are signals
    await until(() => it.stdout.includes(`got ${name}`), `${name} arrives`);
  }
  it.kill('SIGTERM');
  await it.exited;
});
