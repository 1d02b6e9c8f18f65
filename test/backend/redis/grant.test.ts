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
import { scope } from '../../helpers/scope.js';
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
  act = () => {};
  override async run(...words: Parameters<Master['run']>) {
    this.asked += 1;
    const answer = await super.run(...words);
    if (this.asked === 1) this.act();
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

test('who leaves between the first master and the others asks the others for nothing any more', async (t) => {
  const it = scope(t);
  const servers = await Promise.all([1, 2, 3].map(() => it.use(startRedis())));
  const masters = new Masters(
    servers.map(({ address, port }) => {
      const client = new Redis({ ...clientOptions(TTL_MS, Math.random), host: '127.0.0.1', port });
      return new Interrupted(address, client);
    }),
  );
  await it.use({ [Symbol.asyncDispose]: async () => masters.close() });
  await masters.open(openOptions(), never);
  const backend = new RedisBackend({
    masters,
    notices: new Notices(() => []),
    url: 'redis:',
    ttlMs: TTL_MS,
    connectLimitMs: 1000,
    door: undefined,
    minUptimeS: 0,
    clock: systemClock,
    log: silentLog,
  });
  const leaving = new AbortController();
  const [first] = masters.all;
  assert.ok(first instanceof Interrupted);
  first.act = () => leaving.abort();
  await assert.rejects(backend.acquire(claimOf(), leaving.signal), { name: 'AbortError' });
  // Behind whatever is on its way.
  await Promise.all(masters.all.map((master) => master.run('return 1', [], [])));
  assert.deepEqual((await Promise.all(servers.map((server) => server.keys()))).flat(), []);
});
