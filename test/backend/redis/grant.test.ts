import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { grantLock } from '../../../src/backend/redis/acquire.js';
import { RedisBackend } from '../../../src/backend/redis/backend.js';
import { clientOptions } from '../../../src/backend/redis/client-options.js';
import type { Place } from '../../../src/backend/redis/contend.js';
import { keysOf } from '../../../src/backend/redis/keys.js';
import { Master } from '../../../src/backend/redis/master.js';
import { Masters } from '../../../src/backend/redis/masters.js';
import { Notices } from '../../../src/backend/redis/notices.js';
import { redisBudget } from '../../../src/backend/redis/timing.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';
import { startProxy } from '../../helpers/proxy.js';
import { startRedis } from '../../helpers/redis.js';
import { type Scope, scope } from '../../helpers/scope.js';
import { acquire, claimOf, never, openAt, openOptions, TTL_MS } from './kit.js';

test('a lease counts from when its request was sent, and not from when the answer came', async (t) => {
  const it = scope(t);
  const server = await it.use(startRedis());
  const proxy = await it.use(startProxy(server.address, { protocol: 'raw' }));
  const session = await it.use(openAt(proxy.address, { ttlMs: 60_000, minUptimeS: 0 }));
  proxy.mode = 'dropToClient';
  const acquiring = acquire(session);
  const sentBy = systemClock.now();
  await until(() => systemClock.now() > sentBy + 200, 'the answer is late');
  proxy.mode = 'pass';
  const { budget, deadline } = await acquiring;
  assert.ok(deadline() <= sentBy + (budget?.deadlineAfterMs ?? 0), `${deadline() - sentBy} ms`);
});

/** One at whose first answer `act` happens. */
class Interrupted extends Master {
  asked = 0;
  act: () => unknown = () => {};
  override async run(...words: Parameters<Master['run']>) {
    this.asked += 1;
    const answer = await super.run(...words);
    if (this.asked === 1) await this.act();
    return answer;
  }
}

test('a grant that comes when its lease is nearly spent is asked for anew', async (t) => {
  const it = scope(t);
  const server = await it.use(startRedis());
  const client = new Redis({ ...clientOptions(TTL_MS, Math.random), host: '127.0.0.1', port: server.port });
  const master = new Interrupted(server.address, client);
  const masters = new Masters([master]);
  await it.use({ [Symbol.asyncDispose]: async () => masters.close() });
  await masters.open(openOptions(), never);
  let frozenMs = 0;
  master.act = () => {
    frozenMs = TTL_MS;
  };
  const clock = { ...systemClock, now: () => systemClock.now() + frozenMs };
  const place: Place = {
    keys: keysOf('test/r'),
    owner: 'me',
    who: '{}',
    ttlMs: TTL_MS,
    holdMs: 0,
    minUptimeS: 0,
  };
  const around = { masters, notices: new Notices(() => []), connectLimitMs: 1000, clock, log: silentLog };
  const from = clock.now();
  const grant = await grantLock(around, place, redisBudget(TTL_MS, undefined), undefined, never);
  assert.equal(master.asked, 2);
  assert.ok((grant?.sentAt ?? 0) >= from + TTL_MS);
});

/** Three masters, and a session with them. */
async function threeInterrupted(it: Scope) {
  const servers = await Promise.all([1, 2, 3].map(() => it.use(startRedis())));
  const masters = servers.map(({ address, port }) => {
    const client = new Redis({ ...clientOptions(TTL_MS, Math.random), host: '127.0.0.1', port });
    return new Interrupted(address, client);
  });
  const all = new Masters(masters);
  await it.use({ [Symbol.asyncDispose]: async () => all.close() });
  await all.open(openOptions(), never);
  const backend = new RedisBackend({
    masters: all,
    notices: new Notices(() => []),
    url: 'redis:',
    ttlMs: TTL_MS,
    connectLimitMs: 10_000,
    doors: [],
    minUptimeS: 0,
    clock: systemClock,
    log: silentLog,
  });
  return { servers, masters, backend };
}

test('who leaves between the first master and the others asks the others for nothing any more', async (t) => {
  const { servers, masters, backend } = await threeInterrupted(scope(t));
  const leaving = new AbortController();
  const [first] = masters;
  assert.ok(first);
  first.act = () => leaving.abort();
  await assert.rejects(backend.acquire(claimOf(), leaving.signal), { name: 'AbortError' });
  // Behind whatever is on its way.
  await Promise.all(masters.map((master) => master.run('return 1', [], [])));
  assert.deepEqual((await Promise.all(servers.map((server) => server.keys()))).flat(), []);
});

test('a minimum hold is on a majority before the lease is handed out', async (t) => {
  const { servers, masters, backend } = await threeInterrupted(scope(t));
  const [one, two, dead] = servers;
  assert.ok(one && two && dead && masters[1]);
  await dead.kill();
  // It forgets the lock before it is asked for the hold: it says no to that, and the whole is tried again.
  masters[1].act = () => two.cli('DEL', 'lockex:{test/r}');
  await backend.acquire(claimOf({ holdMs: 60_000 }), never);
  assert.equal(await one.cli('EXISTS', 'lockex:{test/r}:hold'), '1');
  assert.equal(await two.cli('EXISTS', 'lockex:{test/r}:hold'), '1');
});
