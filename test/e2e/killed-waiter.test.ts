import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { lockex } from '../helpers/lockex.js';
import { scope } from '../helpers/scope.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock } from './stage.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

test('a waiting lockex that is killed leaves the line at once: nobody waits behind it for its session to expire', async (t) => {
  const on = scope(t);
  // Long enough that the end of the test shows that nobody waited for it.
  const lock = ['-z', zookeeper.address, '-T', '60', '-i', freshLock(), '--'];
  const holder = await on.use(lockex([...lock, 'sh', '-c', 'echo ready; exec sleep 300']));
  await until(() => holder.stdout === 'ready\n', 'the holder runs');
  const waits = (it: typeof holder) => until(() => /waiting: held by/.test(it.stderr), 'it waits');
  const killed = await on.use(lockex([...lock, 'true']));
  await waits(killed);
  const next = await on.use(lockex([...lock, 'true']));
  await waits(next);
  killed.kill('SIGKILL');
  await killed.exited;
  holder.kill('SIGTERM');
  assert.deepEqual(await next.exited, { code: 0, signal: null });
  await holder.exited;
});
