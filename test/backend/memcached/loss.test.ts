import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { keyOf } from '../../../src/backend/memcached/key.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { LeaseLostError, LockNotAcquiredError, ServiceUnreachableError } from '../../../src/util/errors.js';
import { silentServer } from '../../helpers/fake-servers.js';
import { type Memcached, startMemcached } from '../../helpers/memcached.js';
import { startProxy } from '../../helpers/proxy.js';
import { scope } from '../../helpers/scope.js';
import { claim, listening, never, open, TTL_MS, Waiter } from './kit.js';

let memcached: Memcached;
before(async () => {
  memcached = await startMemcached();
  await memcached.settled(TTL_MS);
});
after(() => memcached[Symbol.asyncDispose]());

function causeOf(lost: AbortSignal): string {
  assert.ok(lost.reason instanceof LeaseLostError, String(lost.reason));
  return lost.reason.lossCause;
}

test('a holder that memcached does not answer is stopped before the key can go, and the next one comes after it', async (t) => {
  const on = scope(t);
  const proxy = await on.use(startProxy(memcached.address, { protocol: 'raw' }));
  const lease = await (await on.use(open(proxy.address))).acquire(claim('silent'), never);
  const waiter = await Waiter.start(await on.use(open(memcached.address)), claim('silent'));
  proxy.mode = 'blackhole';
  await until(() => lease.lost.aborted, 'the loss is noticed');
  assert.equal(causeOf(lease.lost), 'silence');
  assert.equal(waiter.grantedAt, undefined, 'the key is still there');
  assert.ok((await waiter.granted(TTL_MS + 15_000)) > lease.deadline());
  await (await waiter.lease).release();
  proxy.reset();
});

test('a connection that is reset costs nothing: the holder renews over another one', async (t) => {
  const on = scope(t);
  const proxy = await on.use(startProxy(memcached.address, { protocol: 'raw' }));
  const lease = await (await on.use(open(proxy.address))).acquire(claim('reset'), never);
  let renewed = 0;
  lease.onRenewed(() => {
    renewed += 1;
  });
  for (let round = 0; round < 3; round += 1) {
    const before = renewed;
    proxy.reset();
    await until(() => renewed > before, 'it is renewed over a new connection');
  }
  assert.equal(lease.isLost(), false);
  await lease.release();
  assert.equal(await memcached.get(keyOf('test/reset')), undefined);
});

test('flush_all ends every lock, and its holder notices at the next renewal', async (t) => {
  const backend = await scope(t).use(open(memcached.address));
  const lease = await backend.acquire(claim('flushed'), never);
  await memcached.ask('flush_all', /^OK/);
  await until(() => lease.lost.aborted, 'the loss is noticed');
  assert.equal(causeOf(lease.lost), 'deleted');
  assert.match(String(lease.lost.reason), /deleted, flushed, or thrown out for want of memory/);
});

test("a lock that is another's by now is neither renewed nor removed", async (t) => {
  const backend = await scope(t).use(open(memcached.address));
  const lease = await backend.acquire(claim('stolen'), never);
  const key = keyOf('test/stolen');
  await memcached.ask(`set ${key} 0 60 5\r\nother`, /^STORED/);
  await until(() => lease.lost.aborted, 'the loss is noticed');
  assert.equal(causeOf(lease.lost), 'deleted');
  await lease.release();
  assert.equal(await memcached.get(key), 'other');
  const [contender] = await backend.contenders('test/stolen', never);
  assert.deepEqual([contender?.state, contender?.pid], ['holding', undefined]);
  assert.equal(await backend.tryAcquire(claim('stolen'), never), undefined);
  await memcached.delete(key);
});

test('who leaves while memcached is silent is gone within a second', async (t) => {
  const on = scope(t);
  const proxy = await on.use(startProxy(memcached.address, { protocol: 'raw' }));
  const holder = await on.use(open(memcached.address));
  const lease = await holder.acquire(claim('left'), never);
  const backend = await on.use(open(proxy.address));
  const leaving = new AbortController();
  let told = 0;
  const onQueue = () => {
    told += 1;
  };
  const waiting = backend.acquire(claim('left', { onQueue }), leaving.signal);
  await until(() => told > 0, 'it waits');
  proxy.mode = 'blackhole';
  const bytes = proxy.bytesFromClient;
  await until(() => proxy.bytesFromClient > bytes, 'it has asked again');
  const at = systemClock.now();
  const reason = new LockNotAcquiredError('told to stop');
  leaving.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  assert.ok(systemClock.now() - at < 1000);
  await lease.release();
  proxy.reset();
});

test('a waiter whose connection has died without a word asks over another one', async (t) => {
  const on = scope(t);
  const proxy = await on.use(startProxy(memcached.address, { protocol: 'raw' }));
  const lease = await (await on.use(open(memcached.address))).acquire(claim('dead-link'), never);
  const waiter = await Waiter.start(await on.use(open(proxy.address)), claim('dead-link'));
  const accepted = proxy.accepted;
  proxy.mode = 'blackhole';
  await until(() => proxy.accepted > accepted, 'it gives the connection up');
  proxy.mode = 'pass';
  await lease.release();
  await waiter.granted(15_000);
  await (await waiter.lease).release();
});

test('a memcached that is not there, or says nothing, is unreachable within the limit', async (t) => {
  const silent = await scope(t).use(silentServer());
  for (const address of ['127.0.0.1:1', silent.address]) {
    const at = systemClock.now();
    await assert.rejects(open(address, { connectLimitMs: 500 }), ServiceUnreachableError);
    assert.ok(systemClock.now() - at < 5000);
  }
  await assert.rejects(open('127.0.0.1:1', { connectAttempts: 1 }), ServiceUnreachableError);
});

test('a memcached that has thrown keys out is warned of, once', async (t) => {
  const on = scope(t);
  const small = await on.use(startMemcached(['-m', '2']));
  for (let n = 0; n < 12; n += 1) {
    await small.ask(`set fill-${n} 0 0 500000\r\n${'x'.repeat(500_000)}`, /\r\n$/);
  }
  await until(async () => Number(await small.stat('evictions')) > 0, 'keys were thrown out');
  const { log, warnings } = listening();
  const proxy = await on.use(startProxy(small.address, { protocol: 'raw' }));
  const backend = await on.use(open(proxy.address, { log }));
  proxy.reset();
  await backend.contenders('test/x', never);
  const said = warnings.filter((line) => line.includes('for want of memory'));
  assert.equal(said.length, 1, warnings.join('\n'));
});

test('a lease whose session is closed is lost, and given back', async (t) => {
  const backend = await scope(t).use(open(memcached.address));
  const lease = await backend.acquire(claim('closed'), never);
  await backend[Symbol.asyncDispose]();
  assert.equal(causeOf(lease.lost), 'expired');
  assert.equal(await memcached.get(keyOf('test/closed')), undefined);
});
