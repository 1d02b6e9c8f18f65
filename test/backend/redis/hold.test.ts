import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Contender } from '../../../src/backend/contract.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { startProxy } from '../../helpers/proxy.js';
import { type RedisServer, startRedis } from '../../helpers/redis.js';
import { scope } from '../../helpers/scope.js';
import { acquire, claimOf, never, openAt, timed, tryAcquire } from './kit.js';

/** The servers' age is not the matter here. */
const grown = { minUptimeS: 0 };
const HOLD_MS = 1500;
let servers: readonly RedisServer[] = [];
before(async () => {
  servers = await Promise.all([1, 2, 3].map(() => startRedis()));
});
beforeEach(() => Promise.all(servers.map((server) => server.cli('FLUSHALL'))));
after(() => Promise.all(servers.map((server) => server[Symbol.asyncDispose]())));

const addresses = () => [servers[0]?.address ?? '', servers.map(({ address }) => address).join(',')];
const left = async () => (await Promise.all(servers.map((server) => server.keys()))).flat();

test('a minimum hold binds all, also those without one, until it has passed, and leaves nothing', async (t) => {
  const it = scope(t);
  for (const address of addresses()) {
    const [a, b] = [await it.use(openAt(address, grown)), await it.use(openAt(address, grown))];
    const from = systemClock.now();
    const held = await acquire(a, { holdMs: HOLD_MS });
    await held.release();
    for (const session of [a, b]) assert.equal(await tryAcquire(session), undefined);
    const told: (readonly Contender[])[] = [];
    const next = timed(acquire(b, { onQueue: (contenders) => void told.push(contenders) }));
    const [holder] = await b.contenders('test/r', never);
    assert.deepEqual([holder?.state, holder?.pid, holder?.self], ['holding', claimOf().identity.pid, false]);
    assert.ok(Math.abs((holder?.heldUntil?.getTime() ?? 0) - Date.now()) <= HOLD_MS + 100);
    const { lease, at } = await next;
    assert.ok(at - from >= HOLD_MS - 1, `granted after ${at - from} ms`);
    assert.ok(told[0]?.[0]?.heldUntil);
    await lease.release();
    await until(async () => (await left()).length === 0, 'nothing is left');
  }
});

test('twin: a claim without a minimum hold keeps nobody away once it is given back', async (t) => {
  const session = await scope(t).use(openAt(addresses()[0] ?? '', grown));
  await (await acquire(session)).release();
  assert.ok(await tryAcquire(session));
});

test('a minimum hold binds when its holder is cut off, too, and is over before a long lease is', async (t) => {
  const it = scope(t);
  const proxy = await it.use(startProxy(addresses()[0] ?? '', { protocol: 'raw' }));
  const from = systemClock.now();
  // Its lease would end by itself a second after the grant.
  const held = await acquire(await it.use(openAt(proxy.address, { ...grown, ttlMs: 1000 })), {
    holdMs: 3000,
  });
  proxy.mode = 'blackhole';
  const { at } = await timed(acquire(await it.use(openAt(addresses()[0] ?? '', grown))));
  assert.ok(at - from >= 3000 - 1, `granted after ${at - from} ms`);
  assert.ok(held.isLost());
});

test('a lock that lives longer than its minimum hold goes on, and goes to the next at once when it is given back', async (t) => {
  const it = scope(t);
  const session = await it.use(openAt(addresses()[0] ?? '', grown));
  const held = await acquire(session, { holdMs: 100 });
  await until(async () => !(await left()).some((key) => key.endsWith(':hold')), 'the hold has passed');
  assert.equal(await tryAcquire(session), undefined);
  await held.release();
  assert.ok(await tryAcquire(session));
});

test('who leaves before it was granted anything leaves no minimum hold', async (t) => {
  const it = scope(t);
  const [a, b] = [
    await it.use(openAt(addresses()[0] ?? '', grown)),
    await it.use(openAt(addresses()[0] ?? '', grown)),
  ];
  for (let round = 0; round < 10; round += 1) {
    const held = await acquire(a);
    const controller = new AbortController();
    const leaver = b.acquire(claimOf({ holdMs: 60_000 }), controller.signal);
    const releasing = held.release();
    for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    const lease = await leaver.catch(() => undefined);
    await releasing;
    if (lease !== undefined) {
      // It was granted before it could leave: the hold is due, and not the matter here.
      await lease.release();
      await servers[0]?.cli('FLUSHALL');
    }
    await until(async () => (await left()).length === 0, 'nothing is left');
  }
});
