import assert from 'node:assert/strict';
import { chmod, copyFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { freshLock, run, running, waiting } from '../e2e/stage.js';
import { assertAlone, assertGone, hold, witness } from '../e2e/witness.js';
import { LOCKEX, Lockex, NODE_FIRST_PATH } from '../helpers/lockex.js';
import { alive } from '../helpers/processes.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

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

const LEVELS = ['cgroup', 'subreaper', 'walk'] as const;

/** Says its name and pid, and again its name when it is told to stop, and goes on. */
const MEMBER = `trap "echo told $1" TERM; echo up $1 $$; : >up-$1; while :; do sleep 0.05; done`;
/** A tree with one of each kind, whose shell goes on (`stay`) or has gone before the stop (`go`). */
const FAMILY = `
sh -c "$MEMBER" m child &
sh -c 'sh -c "$MEMBER" m grandchild; :' &
setsid sh -c "$MEMBER" m session &
(setsid sh -c 'sh -c "$MEMBER" m daemon & exit' &)
while [ $(ls -d up-* | wc -l) -lt 4 ]; do sleep 0.02; done 2>/dev/null
[ $1 = stay ] || exit 0
trap "echo told shell" TERM
echo ready $$; while :; do sleep 0.05; done`;
const KINDS = ['child', 'grandchild', 'session', 'daemon'];

for (const level of LEVELS) {
  test(`trap 39: TERM → grace → KILL reaches child, grandchildren, background jobs after the shell has gone, and setsid/double-forked ones where supported; the group is still killed if the leader already exited (${level})`, async (t) => {
    for (const how of ['stay', 'go'] as const) {
      const options = ['-i', freshLock(), '-k', '1', '--isolation', level];
      const dir = await scope(t).use(tempDir('family'));
      const command = ['sh', '-c', `cd ${dir.path}; ${FAMILY}`, 'family', how];
      const it = await run(t, zookeeper.address, options, command, { MEMBER });
      const up = () => [...it.stdout.matchAll(/^up (\w+) (\d+)$/gm)];
      await until(() => up().length === KINDS.length, `all are up: ${it.stdout}`);
      const pids = up().map(([, , pid]) => Number(pid));
      if (how === 'stay') it.kill('SIGTERM');
      assert.deepEqual(await it.exited, { code: how === 'stay' ? 143 : 0, signal: null }, it.stderr);
      assert.deepEqual(pids.filter(alive), []);
      for (const kind of KINDS) {
        assert.equal(
          it.stdout.match(new RegExp(`^told ${kind}$`, 'gm'))?.length,
          1,
          `${how}: ${kind} is told once`,
        );
      }
    }
  });
}

test("trap 40: A child ignoring TERM is killed at grace end; a child that cleans up within the grace isn't KILLed; a second TERM/INT escalates (it cleans up)", async (t) => {
  const cleans = `trap 'sleep 0.5; echo cleaned; exit 7' TERM; echo ready $$; while :; do sleep 0.05; done`;
  const it = await run(t, zookeeper.address, ['-i', freshLock(), '-k', '20'], ['sh', '-c', cleans]);
  await running(it);
  it.kill('SIGTERM');
  assert.deepEqual(await it.exited, { code: 7, signal: null });
  assert.match(it.stdout, /cleaned/);
});

for (const [how, ends] of [
  ['a normal exit', 'exit 0'],
  ['a death by a signal', 'kill -9 $$'],
  ['TERM', 'while :; do sleep 0.1; done'],
] as const) {
  test(`trap 42: The lock node still exists until the last process of the tree is reaped, in normal exit, TERM, timeout and hook failure; if kill fails the node is kept (${how})`, async (t) => {
    const lock = freshLock();
    const command = await witness(t);
    const first = await run(
      t,
      zookeeper.address,
      ['-i', lock, '-k', '0.7'],
      [
        'sh',
        '-c',
        `exec 9>>"$1"; flock -n -x 9; trap '' TERM; setsid -f sh -c 'echo daemon $$; while :; do sleep 0.1; done'; echo ready $$; sleep 0.4; ${ends}`,
        'command',
        command.at(-1) ?? '',
      ],
    );
    await running(first);
    const daemon = Number(await until(() => /^daemon (\d+)$/m.exec(first.stdout)?.[1], 'the daemon is up'));
    const second = await run(t, zookeeper.address, ['-i', lock], command);
    await waiting(second);
    if (how === 'TERM') first.kill('SIGTERM');
    await running(second);
    assert.equal(alive(daemon), false);
    assertAlone(second);
    await first.exited;
  });
}

test('trap 42: The lock node still exists until the last process of the tree is reaped, in normal exit, TERM, timeout and hook failure; if kill fails the node is kept (unkillable)', async (t) => {
  const dir = await scope(t).use(tempDir('unkillable'));
  await chmod(dir.path, 0o755);
  // With the real user root, it cannot be killed by the user that lockex runs as.
  await copyFile('/usr/bin/setpriv', dir.join('become'));
  await chmod(dir.join('become'), 0o4755);
  const lock = freshLock();
  const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];
  const options = ['-z', zookeeper.address, '-T', '4', '-i', lock, '-k', '0.2', '--'];
  const command = [dir.join('become'), '--reuid', '0', 'sh', '-c', 'echo ready $$; exec sleep 300'];
  const it = await scope(t).use(
    new Lockex('setpriv', [...user, LOCKEX, ...options, ...command], { env: { PATH: NODE_FIRST_PATH } }),
  );
  const pid = await running(it);
  it.kill('SIGTERM');
  await until(() => it.hasLogged('the tree is not dead in spite of SIGKILL, the lock is kept'), 'it says so');
  assert.equal(alive(pid), true);
  assert.equal((await probe.children(`/lockex/${lock}`)).length, 1);
  process.kill(pid, 'SIGKILL');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
  assert.deepEqual(await probe.children(`/lockex/${lock}`).catch(() => []), []);
});

test('the twin: a lock that is given back while its tree is alive has two holders, and the witness sees it', async (t) => {
  const lock = freshLock();
  const command = await witness(t);
  const first = await hold(t, zookeeper.address, ['-i', lock, '-T', '10'], command);
  const second = await run(t, zookeeper.address, ['-i', lock], command);
  await waiting(second);
  // Stopped, neither of the two can end the tree; the node is taken away as an early release would.
  process.kill(first.guardian, 'SIGSTOP');
  first.it.kill('SIGSTOP');
  const [node] = (await probe.children(`/lockex/${lock}`)).sort((a, b) =>
    a.slice(-10) < b.slice(-10) ? -1 : 1,
  );
  await probe.remove(`/lockex/${lock}/${node}`);
  await running(second);
  assert.match(second.stdout, /overlap/);
  process.kill(first.guardian, 'SIGCONT');
  first.it.kill('SIGCONT');
  assert.deepEqual(await first.it.exited, { code: 75, signal: null });
  await assertGone(first);
});
