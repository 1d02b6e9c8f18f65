import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock, run, running, waiting } from './stage.js';
import {
  assertAlone,
  assertGone,
  guardianOf,
  hold,
  holderOf,
  reading,
  takesOver,
  witness,
} from './witness.js';

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

test('trap 32: Never more than N trees alive at any instant under kill/partition chaos; N+1st starts only after one is dead', async (t) => {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const lock = ['-i', freshLock(), '-c', '2', '-T', '4'];
  const command = await witness(t, 2);
  const killed = await hold(t, zookeeper.address, lock, command);
  const cutOff = await hold(t, proxy.address, lock, command);
  const next = [
    await run(t, zookeeper.address, lock, command),
    await run(t, zookeeper.address, lock, command),
    await run(t, zookeeper.address, lock, command),
  ] as const;
  for (const it of next) await waiting(it);
  killed.it.kill('SIGKILL');
  const started = () => next.filter((it) => /ready/.test(it.stdout));
  const third = await until(() => started()[0], 'one starts');
  await takesOver(third, killed);
  assert.equal(started().length, 1, 'and one only');
  proxy.mode = 'blackhole';
  await until(() => started().length === 2, 'another starts');
  assertAlone(killed.it, cutOff.it, ...next);
  await assertGone(cutOff);
  await assertGone(killed);
  const frozen = await holderOf(third);
  third.kill('SIGSTOP');
  await until(() => started().length === 3, 'the last one starts');
  assertAlone(...next);
  third.kill('SIGCONT');
  assert.deepEqual(await third.exited, { code: 75, signal: null });
  await assertGone(frozen);
});

test('the twin: three hold two permits when a holder has neither supervisor nor guardian, and the witness sees it', async (t) => {
  const lock = ['-i', freshLock(), '-c', '2', '-T', '4', '--isolation', 'walk'];
  const command = await witness(t, 2);
  const killed = await hold(t, zookeeper.address, lock, command);
  await hold(t, zookeeper.address, lock, command);
  const third = await run(t, zookeeper.address, lock, command);
  await waiting(third);
  process.kill(killed.guardian, 'SIGKILL');
  killed.it.kill('SIGKILL');
  await running(third);
  assert.match(third.stdout, /overlap/);
});

test('a writer starts only when the last reader is dead, whatever has become of the readers', async (t) => {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const lock = ['-i', freshLock(), '-T', '4'];
  const writes = await witness(t);
  const reads = reading(writes);
  const readers = [
    await hold(t, zookeeper.address, [...lock, '--shared'], reads),
    await hold(t, proxy.address, [...lock, '--shared'], reads),
  ] as const;
  const writer = await run(t, zookeeper.address, lock, writes);
  await waiting(writer);
  readers[0].it.kill('SIGKILL');
  await assertGone(readers[0]);
  assert.equal(writer.stdout, '', 'one reader is still there');
  proxy.mode = 'blackhole';
  await takesOver(writer, readers[1]);
  assertAlone(readers[0].it, readers[1].it, writer);
  await assertGone(readers[1]);
  const reader = await run(t, zookeeper.address, [...lock, '--shared'], reads);
  await waiting(reader);
  const writing = await holderOf(writer);
  writer.kill('SIGKILL');
  await takesOver(reader, writing);
  await assertGone(writing);
});

test('a waiter that is killed leaves the line when its session ends, and its guardian ends at once', async (t) => {
  const lock = freshLock();
  const options = ['-i', lock, '-T', '4'];
  const command = await witness(t);
  const first = await hold(t, zookeeper.address, options, command);
  const killed = await run(t, zookeeper.address, options, command);
  await waiting(killed);
  const third = await run(t, zookeeper.address, options, command);
  await waiting(third);
  const guardian = await until(() => guardianOf(killed.pid), 'its guardian is there');
  killed.kill('SIGKILL');
  await assertGone({ it: killed, tree: [], guardian });
  await until(async () => (await probe.children(`/lockex/${lock}`)).length === 2, 'it has left the line');
  assert.equal(killed.stdout + third.stdout, '');
  assert.deepEqual(
    killed.logs.filter((line) => line['level'] === 'error'),
    [],
  );
  first.it.kill('SIGKILL');
  await takesOver(third, first);
});
