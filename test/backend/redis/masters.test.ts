import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { clientOptions } from '../../../src/backend/redis/client-options.js';
import { contend } from '../../../src/backend/redis/contend.js';
import { keysOf } from '../../../src/backend/redis/keys.js';
import { Master } from '../../../src/backend/redis/master.js';
import { Masters } from '../../../src/backend/redis/masters.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { ServiceUnreachableError } from '../../../src/util/errors.js';
import { randomId } from '../../../src/util/random-id.js';
import { startProxy } from '../../helpers/proxy.js';
import { type RedisServer, startRedis } from '../../helpers/redis.js';
import { type Scope, scope } from '../../helpers/scope.js';
import { acquire, never, openAt, TTL_MS, timed, tryAcquire } from './kit.js';

/** The masters' age is not the matter here. */
const grown = { minUptimeS: 0 };

async function three(it: Scope) {
  const servers = await Promise.all([1, 2, 3].map(() => it.use(startRedis())));
  const [first, second, third] = servers;
  assert.ok(first && second && third);
  return { first, second, third, address: servers.map(({ address }) => address).join(',') };
}

async function renewed(lease: { deadline(): number }, what: string): Promise<void> {
  const before = lease.deadline();
  await until(() => lease.deadline() > before + TTL_MS / 4, what);
}

async function hasLock(server: RedisServer): Promise<boolean> {
  return (await server.keys()).includes('lockex:{test/r}');
}

test('one of three masters may die: the lease is kept, and the lock is granted and refused as ever', async (t) => {
  const it = scope(t);
  const { first, address } = await three(it);
  const held = await acquire(await it.use(openAt(address, grown)));
  await first.kill();
  await renewed(held, 'two of three acknowledge renewals');
  const other = await it.use(openAt(address, grown));
  assert.equal(await tryAcquire(other), undefined);
  await held.release();
  const next = await tryAcquire(other);
  assert.ok(next);
  await next.release();
});

test('with two of three masters dead, a lease is lost, and nobody is granted one', async (t) => {
  const it = scope(t);
  const { first, second, address } = await three(it);
  const session = await it.use(openAt(address, { ...grown, connectLimitMs: 2000 }));
  const held = await acquire(session);
  await Promise.all([first.kill(), second.kill()]);
  await until(() => held.lost.aborted, 'the loss is noticed');
  await assert.rejects(tryAcquire(session, { resource: 'test/other' }), ServiceUnreachableError);
});

test('masters may be restarted without their data one after the other, and the lease is kept', async (t) => {
  const it = scope(t);
  const { first, second, third, address } = await three(it);
  const held = await acquire(await it.use(openAt(address, grown)));
  for (const server of [first, second, third]) {
    await server.restart();
    await until(() => hasLock(server), 'the lock is brought back to it');
  }
  await renewed(held, 'all acknowledge renewals');
  await held.release();
  for (const server of [first, second, third]) assert.equal(await hasLock(server), false);
});

test("a lock that is held on a minority is nobody's: it is undone at once", async (t) => {
  const it = scope(t);
  const { first, second, third, address } = await three(it);
  const rival = await it.use(openAt(`${second.address},${third.address}`, grown));
  const held = await acquire(rival);
  const session = await it.use(openAt(address, grown));
  assert.equal(await tryAcquire(session), undefined);
  assert.equal(await hasLock(first), false);
  await held.release();
});

test('a lock is ours as long as a majority says so: one is not enough', async (t) => {
  const it = scope(t);
  const { first, second, third, address } = await three(it);
  const far = { ...grown, ttlMs: 60_000 };
  const held = await acquire(await it.use(openAt(address, far)));
  const other = await it.use(openAt(address, far));
  const isOurs = () => other.owns(held.evidence ?? '', never);
  await until(() => hasLock(third), 'all have it');
  await first.cli('DEL', 'lockex:{test/r}');
  assert.equal(await isOurs(), true);
  await second.cli('DEL', 'lockex:{test/r}');
  assert.equal(await isOurs(), false);
  assert.equal(await hasLock(third), true);
});

test('a waiter keeps nothing of a minority that it was granted', async (t) => {
  const it = scope(t);
  const { first, second, third, address } = await three(it);
  const far = { ...grown, ttlMs: 60_000 };
  const held = await acquire(await it.use(openAt(`${second.address},${third.address}`, far)));
  const next = acquire(await it.use(openAt(address, far)));
  await until(async () => (await third.keys()).includes('lockex:{test/r}:waiters'), 'it waits');
  await until(async () => !(await hasLock(first)), 'it has given back what the first one granted');
  await held.release();
  await next;
});

test('what one master alone keeps keeps nobody away, be it a minimum hold of whoever never had a majority', async (t) => {
  const it = scope(t);
  const { first, address } = await three(it);
  const alone = await acquire(await it.use(openAt(first.address, grown)), { holdMs: 3_600_000 });
  const session = await it.use(openAt(address, grown));
  assert.deepEqual(await session.contenders('test/r', never), []);
  for (const left of ['a lock', 'its minimum hold']) {
    const lease = await tryAcquire(session);
    assert.ok(lease, left);
    await lease.release();
    await alone.release();
  }
  assert.deepEqual(await first.keys(), ['lockex:{test/r}:hold']);
});

test('twin: what two of three keep keeps all away', async (t) => {
  const it = scope(t);
  const { first, second, address } = await three(it);
  for (const { address: one } of [first, second]) {
    const alone = await acquire(await it.use(openAt(one, grown)), { holdMs: 3_600_000 });
    await alone.release();
  }
  assert.equal(await tryAcquire(await it.use(openAt(address, grown))), undefined);
});

test('a lock that one master does not hear is given back goes to the next one at once', async (t) => {
  const it = scope(t);
  const { first, second, third } = await three(it);
  const proxy = await it.use(startProxy(first.address, { protocol: 'raw' }));
  const far = { ...grown, ttlMs: 60_000 };
  const addressBy = (one: string) => [one, second.address, third.address].join(',');
  const held = await acquire(await it.use(openAt(addressBy(proxy.address), far)));
  const next = acquire(await it.use(openAt(addressBy(first.address), far)));
  await until(async () => (await first.keys()).some((key) => key.endsWith(':waiters')), 'it waits');
  proxy.mode = 'blackhole';
  const from = systemClock.now();
  await held.release();
  await next;
  assert.ok(systemClock.now() - from < 30_000, `${systemClock.now() - from} ms`);
  assert.equal(await hasLock(first), true);
});

test('a waiter at a dead first master is granted the lock by the others, not before its holder is done', async (t) => {
  const it = scope(t);
  const { first, address } = await three(it);
  const held = await acquire(await it.use(openAt(address, grown)));
  await first.kill();
  let granted = false;
  const next = timed(acquire(await it.use(openAt(address, grown)))).then((grant) => {
    granted = true;
    return grant;
  });
  await renewed(held, 'the holder holds');
  assert.equal(granted, false);
  await held.release();
  await next;
});

test('a lock is given back when a majority has heard so, and not before', async (t) => {
  const it = scope(t);
  const { first, second, third, address } = await three(it);
  const proxies = await Promise.all(
    [second, third].map((server) => it.use(startProxy(server.address, { protocol: 'raw' }))),
  );
  const far = { ...grown, ttlMs: 60_000 };
  const by = [first, ...proxies].map((way) => way.address).join(',');
  const held = await acquire(await it.use(openAt(by, far)));
  const other = await it.use(openAt(address, far));
  for (const proxy of proxies) proxy.mode = 'blackhole';
  let given = false;
  const giving = held.release().then(() => {
    given = true;
  });
  await until(async () => !(await hasLock(first)), 'the first one has heard it');
  assert.equal(await tryAcquire(other), undefined);
  assert.equal(given, false);
  for (const proxy of proxies) proxy.mode = 'pass';
  await giving;
  assert.ok(await tryAcquire(other));
});

/** One contender that reaches the first master alone, and one that reaches the other two. */
async function divided(it: Scope, majority: number | undefined) {
  const { first, second, third } = await three(it);
  const outcomes: string[] = [];
  for (const reached of [[first], [second, third]]) {
    const ports = [first, second, third].map((server) => (reached.includes(server) ? server.port : 1));
    const clients = ports.map(
      (port) => new Redis({ ...clientOptions(TTL_MS, Math.random), port, host: '127.0.0.1' }),
    );
    const masters = new Masters(
      clients.map((client, index) => new Master(`master ${index}`, client)),
      majority,
    );
    for (const master of masters.all) master.connect();
    await until(() => masters.all.filter((one) => one.isConnected).length === reached.length, 'connected');
    const place = {
      keys: keysOf('test/r'),
      owner: randomId(),
      who: '{}',
      ttlMs: TTL_MS,
      holdMs: 0,
      minUptimeS: 0,
    };
    outcomes.push((await contend(masters, place, false, never)).how);
    masters.close();
  }
  return outcomes;
}

test('of two contenders that reach different masters, only one that reaches a majority is granted the lock', async (t) => {
  assert.deepEqual(await divided(scope(t), undefined), ['unreachable', 'granted']);
});

test('twin: if one master were enough, both would be granted it', async (t) => {
  assert.deepEqual(await divided(scope(t), 1), ['granted', 'granted']);
});

test('half of the masters is no majority', async (t) => {
  const it = scope(t);
  const { first, second, address } = await three(it);
  await Promise.all([first.kill(), second.kill()]);
  await assert.rejects(
    openAt(address, { connectLimitMs: 500 }),
    (error) => error instanceof ServiceUnreachableError && /expected 2 of 3 masters/.test(error.message),
  );
});
