import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../src/testing/until.js';
import { ServiceUnreachableError } from '../../../src/util/errors.js';
import { type RedisServer, startRedis } from '../../helpers/redis.js';
import { type Scope, scope } from '../../helpers/scope.js';
import { acquire, openAt, TTL_MS, timed, tryAcquire } from './kit.js';

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
  const session = await it.use(openAt(address, { ...grown, connectLimitMs: 500 }));
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

test('half of the masters is no majority', async (t) => {
  const it = scope(t);
  const { first, second, address } = await three(it);
  await Promise.all([first.kill(), second.kill()]);
  await assert.rejects(
    openAt(address, { connectLimitMs: 500 }),
    (error) => error instanceof ServiceUnreachableError && /expected 2 of 3 masters/.test(error.message),
  );
});
