import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { connect } from '../../src/lock/locks.js';
import { until } from '../../src/testing/until.js';
import { LeaseLostError, LockTimeoutError } from '../../src/util/errors.js';
import { helpersOf } from '../helpers/file-backend.js';
import { lockex } from '../helpers/lockex.js';
import { startProxy } from '../helpers/proxy.js';
import { tempDir } from '../helpers/temp.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

test('a program and lockex -i of the same name exclude each other, on ZooKeeper and in files', async () => {
  await using dir = await tempDir('library');
  for (const url of [`zk://${zookeeper.address}`, `file://${dir.path}`]) {
    await using locks = await connect(url, { ttl: '6s' });
    const lock = locks.lock('nightly');
    await lock.acquire();
    await using sent = lockex(['--url', url, '-i', 'nightly', '-n', '--', 'true']);
    assert.equal((await sent.exited).code, 1);
    await lock.release();
    await using runs = lockex(['--url', url, '-i', 'nightly', '-n', '--', 'true']);
    assert.equal((await runs.exited).code, 0);
  }
});

test('locks in files leave no process and no file behind, also after a timeout', async () => {
  await using dir = await tempDir('library');
  {
    await using locks = await connect(`file://${dir.path}`);
    await using lease = await locks.lock('a').acquire();
    assert.equal(lease.owned, true);
    await assert.rejects(locks.lock('a').acquire({ timeout: 50 }), LockTimeoutError);
  }
  await until(() => readdirSync(dir.path).length + helpersOf(dir.path).length === 0, 'nothing is left');
});

test('fifty rounds in one session warn of nothing', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on('warning', warned);
  await using locks = await connect(`zk://${zookeeper.address}`, { ttl: '6s' });
  const lasting = new AbortController();
  const lock = locks.lock('rounds');
  for (let round = 0; round < 50; round += 1) {
    await lock.hold(() => {}, { signal: lasting.signal, timeout: '30s' });
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', warned);
  assert.deepEqual(warnings, []);
});

test('who is cut off loses the lock before anybody else can have it, hears of it in time, and comes back by itself', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using cut = await connect(`zk://${proxy.address}`, { ttl: '4s' });
  await using other = await connect(`zk://${zookeeper.address}`, { ttl: '4s' });
  const lock = cut.lock('cut');
  await lock.acquire();
  proxy.mode = 'blackhole';
  const waiter = other.lock('cut');
  const acquiring = waiter.acquire().then(() => lock.owned);
  await until(() => lock.lost.aborted, 'it hears of the silence');
  const { reason } = lock.lost;
  assert.ok(reason instanceof LeaseLostError);
  assert.equal(reason.lossCause, 'silence');
  assert.ok(reason.remainingMs > 0, `${reason.remainingMs} ms to end the work in`);
  assert.equal(lock.owned, false);
  assert.equal(await acquiring, false, 'the first had lost it before the second got it');
  proxy.mode = 'pass';
  await waiter.release();
  await lock.acquire({ timeout: '30s' });
  assert.equal(lock.owned, true);
});

test('a look that a broken connection interrupts is taken again, and never ends the program by an error that nobody caught', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using locks = await connect(`zk://${proxy.address}`, { ttl: '6s' });
  const lock = locks.lock('look');
  for (let round = 0; round < 5; round += 1) {
    proxy.mode = 'dropToServer';
    const sent = proxy.bytesFromClient;
    const looking = lock.locked();
    await until(() => proxy.bytesFromClient > sent, 'it asks');
    proxy.reset();
    proxy.mode = 'pass';
    assert.equal(await looking, false);
  }
});

test('a program whose event loop was blocked for longer than its lease knows at once that it has none', async () => {
  await using locks = await connect(`zk://${zookeeper.address}`, { ttl: '4s' });
  const lock = locks.lock('blocked');
  const lease = await lock.acquire();
  assert.equal(lease.owned, true);
  assert.ok(lease.remainingMs > 1000);
  // The stop is due 1.75 s after the last acknowledged renewal.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
  assert.equal(lease.lost.aborted, false, 'nothing has run that could say so');
  assert.equal(lease.owned, false);
  assert.equal(lease.lost.aborted, true);
  assert.equal(lease.remainingMs, 0);
});

test('a lease that only heeds its signal would be believed after a blocked event loop', async () => {
  await using locks = await connect(`zk://${zookeeper.address}`, { ttl: '4s' });
  const lease = await locks.lock('believed').acquire();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
  const believed = !lease.lost.aborted;
  assert.equal(believed && !lease.owned, true);
});
