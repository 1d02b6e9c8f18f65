import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { LeaseLostError } from '../../../src/util/errors.js';
import { startProxy } from '../../helpers/proxy.js';
import { type RedisServer, startRedis } from '../../helpers/redis.js';
import { scope } from '../../helpers/scope.js';
import { acquire, claimOf, never, openAt, TTL_MS, timed, tryAcquire } from './kit.js';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
  await redis.grown(TTL_MS);
});
beforeEach(() => redis.cli('FLUSHALL'));
after(() => redis[Symbol.asyncDispose]());

test('a lock whose server falls silent is lost, and its deadline is over before another has it', async (t) => {
  const it = scope(t);
  const proxy = await it.use(startProxy(redis.address, { protocol: 'raw' }));
  const held = await acquire(await it.use(openAt(proxy.address)));
  const next = timed(acquire(await it.use(openAt(redis.address))));
  proxy.mode = 'blackhole';
  await until(() => held.lost.aborted, 'the silence is noticed');
  const { reason } = held.lost;
  assert.ok(reason instanceof LeaseLostError && reason.lossCause === 'silence', String(reason));
  const { at } = await next;
  assert.ok(at >= held.deadline(), `granted ${held.deadline() - at} ms before the deadline`);
});

test('twin: a key that ends before its lease is told to is granted to another before the deadline', async (t) => {
  const it = scope(t);
  const proxy = await it.use(startProxy(redis.address, { protocol: 'raw' }));
  const held = await acquire(await it.use(openAt(proxy.address)));
  proxy.mode = 'blackhole';
  await redis.cli('PEXPIRE', 'lockex:{test/r}', '500');
  const { at } = await timed(acquire(await it.use(openAt(redis.address))));
  assert.ok(at < held.deadline() && !held.isLost(), 'two at once');
});

test('a silence that is shorter than the ride-out does not touch a lease', async (t) => {
  const it = scope(t);
  const proxy = await it.use(startProxy(redis.address, { protocol: 'raw' }));
  const held = await acquire(await it.use(openAt(proxy.address)));
  const from = systemClock.now();
  proxy.mode = 'blackhole';
  await until(() => systemClock.now() > from + (held.budget?.rideOutMs ?? 0) / 3, 'some silence');
  proxy.mode = 'pass';
  const before = held.deadline();
  await until(() => held.deadline() > before + TTL_MS / 4, 'renewals are acknowledged again');
  assert.equal(held.isLost(), false);
});

test('a reset connection is made again, and the lease is kept', async (t) => {
  const it = scope(t);
  const proxy = await it.use(startProxy(redis.address, { protocol: 'raw' }));
  const held = await acquire(await it.use(openAt(proxy.address)));
  proxy.reset();
  const before = held.deadline();
  await until(() => held.deadline() > before + TTL_MS / 4, 'renewals are acknowledged again');
  assert.equal(held.isLost(), false);
});

test('a waiter hears of a release, and does not wait for its next look', async (t) => {
  const it = scope(t);
  // With this timeout a waiter looks every eight seconds or more; the server's age is not the matter here.
  const slow = { ttlMs: 60_000, minUptimeS: 0 };
  const [a, b] = [await it.use(openAt(redis.address, slow)), await it.use(openAt(redis.address, slow))];
  const held = await acquire(a);
  const next = acquire(b);
  await until(async () => (await redis.cli('PUBSUB', 'CHANNELS')).includes('lockex:{test/r}'), 'it listens');
  const from = systemClock.now();
  await held.release();
  await next;
  assert.ok(systemClock.now() - from < 6000, `${systemClock.now() - from} ms`);
});

test('a waiter that could not hear for a while looks as soon as it can', async (t) => {
  const it = scope(t);
  const slow = { ttlMs: 60_000, minUptimeS: 0 };
  const [a, b] = [await it.use(openAt(redis.address, slow)), await it.use(openAt(redis.address, slow))];
  await acquire(a);
  const next = acquire(b);
  await until(async () => (await redis.cli('PUBSUB', 'CHANNELS')).includes('lockex:{test/r}'), 'it listens');
  // Of this nobody is told.
  await redis.cli('DEL', 'lockex:{test/r}');
  const from = systemClock.now();
  await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await next;
  assert.ok(systemClock.now() - from < 6000, `${systemClock.now() - from} ms`);
});

test('a waiter whose server is restarted goes on waiting, and is granted the lock', async (t) => {
  const it = scope(t);
  const other = await it.use(startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] }));
  const options = { minUptimeS: 0 };
  const [a, b] = [await it.use(openAt(other.address, options)), await it.use(openAt(other.address, options))];
  const held = await acquire(a);
  const next = acquire(b);
  await until(async () => (await other.keys()).some((key) => key.endsWith(':waiters')), 'it waits');
  await other.restart();
  await held.release();
  await next;
});

test('a server that is restarted and has kept its data takes no lease away', async (t) => {
  const it = scope(t);
  const other = await it.use(startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] }));
  const held = await acquire(await it.use(openAt(other.address, { minUptimeS: 0 })));
  await other.restart();
  const before = held.deadline();
  await until(() => held.deadline() > before + TTL_MS / 4, 'renewals are acknowledged again');
  assert.equal(held.isLost(), false);
});

test('a server whose memory is full takes no lease away, and makes no further minimum hold', async (t) => {
  const it = scope(t);
  const redis = await it.use(startRedis({ args: ['--maxmemory-policy', 'noeviction'] }));
  await redis.grown(TTL_MS);
  const session = await it.use(openAt(redis.address));
  const held = await acquire(session);
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
  for (let renewals = 0; renewals < 3; renewals += 1) {
    await new Promise<void>((resolve) => held.onRenewed(resolve));
  }
  assert.equal(held.isLost(), false);
  await assert.rejects(tryAcquire(session, { resource: 'test/other', holdMs: 60_000 }), /maxmemory/);
  await held.release();
  assert.deepEqual(await redis.keys(), []);
});

test('tokens rise over a loss of all data', async (t) => {
  const it = scope(t);
  const session = await it.use(openAt(redis.address));
  const tokens: bigint[] = [];
  for (let round = 0; round < 3; round += 1) {
    const lease = await acquire(session);
    tokens.push(lease.fencingToken ?? 0n);
    await lease.release();
    await redis.cli('FLUSHALL');
  }
  assert.deepEqual(
    tokens,
    tokens.toSorted((a, b) => Number(a - b)),
  );
  assert.equal(new Set(tokens).size, 3);
});

test('a lock that another has by now is not renewed for the other, and is lost', async (t) => {
  const it = scope(t);
  const [a, b] = [await it.use(openAt(redis.address)), await it.use(openAt(redis.address))];
  const held = await acquire(a);
  // In one step, so that no renewal comes in between: whatever made the key another's.
  await redis.cli('HSET', 'lockex:{test/r}', 'owner', 'another');
  await until(() => held.lost.aborted, 'the loss is noticed');
  const { reason } = held.lost;
  assert.ok(reason instanceof LeaseLostError && reason.lossCause === 'deleted', String(reason));
  assert.match(reason.message, /another's/);
  await held.release();
  assert.equal(await redis.cli('HGET', 'lockex:{test/r}', 'owner'), 'another');
  assert.equal(await b.tryAcquire(claimOf(), never), undefined);
});

test('a lock that cannot be given back at once is given back when the server can be reached again', async (t) => {
  const it = scope(t);
  const far = { ttlMs: 60_000, minUptimeS: 0 };
  const proxy = await it.use(startProxy(redis.address, { protocol: 'raw' }));
  const held = await acquire(await it.use(openAt(proxy.address, far)));
  const other = await it.use(openAt(redis.address, far));
  await proxy.refuseNew();
  proxy.reset();
  const giving = held.release();
  assert.equal(await other.tryAcquire(claimOf(), never), undefined);
  await proxy.acceptNew();
  await giving;
  assert.ok(await other.tryAcquire(claimOf(), never));
});
