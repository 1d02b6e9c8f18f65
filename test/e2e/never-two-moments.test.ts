import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { alive } from '../helpers/processes.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock, run, running, STAYS, waiting } from './stage.js';
import { assertAlone, assertGone, guardianOf, hold, holderOf, takesOver, witness } from './witness.js';

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

test('a waiter that is frozen when its turn comes, and past its session, never starts its command', async (t) => {
  const lock = ['-i', freshLock(), '-T', '4'];
  const command = await witness(t);
  const holder = await run(t, zookeeper.address, lock, STAYS);
  await running(holder);
  const frozen = await run(t, zookeeper.address, lock, command);
  await waiting(frozen);
  const third = await run(t, zookeeper.address, lock, command);
  await waiting(third);
  frozen.kill('SIGSTOP');
  holder.kill('SIGTERM');
  const next = await holderOf(third);
  frozen.kill('SIGCONT');
  assert.deepEqual(await frozen.exited, { code: 69, signal: null });
  assert.equal(frozen.stdout, '');
  assert.deepEqual(next.tree.filter(alive), next.tree);
});

test('a waiter that is frozen when its turn comes, and wakes within its session, starts its command once', async (t) => {
  const lock = ['-i', freshLock(), '-T', '10'];
  const holder = await run(t, zookeeper.address, lock, STAYS);
  await running(holder);
  const frozen = await run(t, zookeeper.address, lock, await witness(t));
  await waiting(frozen);
  frozen.kill('SIGSTOP');
  holder.kill('SIGTERM');
  await holder.exited;
  frozen.kill('SIGCONT');
  await holderOf(frozen);
  assert.equal(frozen.stdout.match(/ready/g)?.length, 1);
});

for (const [what, signal, options] of [
  ['killed', 'SIGKILL', ['-T', '10']],
  ['frozen', 'SIGSTOP', ['-T', '4']],
] as const) {
  test(`a supervisor that is ${what} in the grace after SIGTERM: the guardian ends what is left`, async (t) => {
    const lock = ['-i', freshLock(), ...options, '-k', '600'];
    const command = await witness(t);
    const first = await hold(t, zookeeper.address, lock, command);
    const second = await run(t, zookeeper.address, lock, command);
    await waiting(second);
    first.it.kill('SIGTERM');
    await until(() => first.it.hasLogged('stopping the command'), 'it stops the command');
    first.it.kill(signal);
    await takesOver(second, first);
    first.it.kill('SIGCONT');
    await first.it.exited;
    await assertGone(first);
  });
}

test('kill -9 of the process group of the supervisor does not reach the guardian', async (t) => {
  for (const level of ['subreaper', 'walk']) {
    const lock = ['-i', freshLock(), '-T', '10', '--isolation', level];
    const command = await witness(t);
    const first = await hold(t, zookeeper.address, lock, command);
    const second = await run(t, zookeeper.address, lock, command);
    await waiting(second);
    process.kill(-first.it.pid, 'SIGKILL');
    await takesOver(second, first);
    await assertGone(first);
  }
});

test('a command that ended while its supervisor was frozen past the lease: the status is that of a lost lock', async (t) => {
  const lock = ['-i', freshLock(), '-T', '4'];
  const dir = await scope(t).use(tempDir('ended'));
  const end = dir.join('end');
  const untilThen = ['sh', '-c', 'echo ready $$; until [ -e "$0" ]; do sleep 0.05; done', end];
  const first = await run(t, zookeeper.address, lock, untilThen);
  await running(first);
  const second = await run(t, zookeeper.address, lock, STAYS);
  await waiting(second);
  first.kill('SIGSTOP');
  await writeFile(end, '');
  await running(second);
  first.kill('SIGCONT');
  assert.deepEqual(await first.exited, { code: 75, signal: null });
});

for (const level of ['cgroup', 'subreaper', 'walk'] as const) {
  test(`kill -9 at any moment from the start to the running command leaves nothing, and no two hold (${level})`, async (t) => {
    const lock = freshLock();
    const options = ['-i', lock, '-T', '1', '--isolation', level];
    const command = await witness(t);
    for (let round = 0; round < 10; round += 1) {
      const it = await run(t, zookeeper.address, options, command);
      let guardian: number | undefined;
      const startedAt = performance.now();
      // From 30 ms, when Node has hardly begun, to when its command runs.
      await until(() => {
        guardian ??= guardianOf(it.pid);
        return performance.now() - startedAt > 30 + 25 * round;
      }, 'its moment has come');
      it.kill('SIGKILL');
      await it.exited;
      await it.expectNoStray(3000);
      await until(() => guardian === undefined || !alive(guardian), 'the guardian has gone');
      assertAlone(it);
    }
    const last = await run(t, zookeeper.address, options, command);
    await running(last);
    assertAlone(last);
    assert.equal((await probe.children(`/lockex/${lock}`)).length, 1);
  });
}
