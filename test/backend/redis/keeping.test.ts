import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { clientOptions } from '../../../src/backend/redis/client-options.js';
import { contend, type Place } from '../../../src/backend/redis/contend.js';
import { Keeper } from '../../../src/backend/redis/keep.js';
import { keysOf } from '../../../src/backend/redis/keys.js';
import { Master } from '../../../src/backend/redis/master.js';
import { Masters } from '../../../src/backend/redis/masters.js';
import { until } from '../../../src/testing/until.js';
import { delay } from '../../../src/util/abort.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';
import { startRedis } from '../../helpers/redis.js';
import { scope } from '../../helpers/scope.js';
import { acquire, never, openAt, openOptions, TTL_MS } from './kit.js';

/** The servers' age is not the matter here. */
const grown = { minUptimeS: 0 };

/** One that is further away than the others: its answers come after theirs. */
class Distant extends Master {
  override async run(...words: Parameters<Master['run']>) {
    const answer = await super.run(...words);
    await delay(100, systemClock);
    return answer;
  }
}

test('a master that has lost its memory gets the lock again also when it is always the last to answer', async (t) => {
  const it = scope(t);
  const servers = await Promise.all([1, 2, 3].map(() => it.use(startRedis())));
  const masters = new Masters(
    servers.map(({ address, port }, index) => {
      const client = new Redis({ ...clientOptions(TTL_MS, Math.random), host: '127.0.0.1', port });
      return index === 2 ? new Distant(address, client) : new Master(address, client);
    }),
  );
  await it.use({ [Symbol.asyncDispose]: async () => masters.close() });
  await masters.open(openOptions(), never);
  const keys = keysOf('test/r');
  const place: Place = { keys, owner: 'me', who: '{}', ttlMs: 60_000, holdMs: 0, minUptimeS: 0 };
  assert.equal((await contend(masters, place, false, never)).how, 'granted');
  const last = servers[2];
  const has = async () => (await last?.cli('EXISTS', keys.lock)) === '1';
  await until(has, 'the last one has granted, too');
  await last?.cli('DEL', keys.lock);
  const keeper = new Keeper(masters, place, never, silentLog);
  assert.deepEqual(await keeper.renew(), { how: 'renewed' });
  await until(has, 'it is brought back');
});

test('renewals that fail are told of once, with the reason, and so is their end', async (t) => {
  const it = scope(t);
  const server = await it.use(startRedis());
  const said: string[] = [];
  const say = (_: unknown, message: string) => void said.push(message);
  const log = { ...silentLog, info: say, warn: say };
  const held = await acquire(await it.use(openAt(server.address, { ...grown, log, ttlMs: 8000 })));
  await server.cli('CONFIG', 'SET', 'min-replicas-to-write', '1');
  await until(() => said.length > 0, 'it is told of');
  assert.deepEqual(said, [
    `a renewal failed: redis at ${server.address}: NOREPLICAS Not enough good replicas to write`,
  ]);
  const before = held.deadline();
  await until(() => systemClock.now() > before - 6000, 'another one has failed');
  await server.cli('CONFIG', 'SET', 'min-replicas-to-write', '0');
  await until(() => said.length > 1, 'its end is told of');
  assert.deepEqual(said.slice(1), [`redis at ${server.address} renews the lock again`]);
  assert.equal(held.isLost(), false);
});

test('a master that a lease goes on without is named', async (t) => {
  const it = scope(t);
  const servers = await Promise.all([1, 2, 3].map(() => it.use(startRedis())));
  const said: string[] = [];
  const log = { ...silentLog, warn: (_: unknown, message: string) => void said.push(message) };
  const address = servers.map((server) => server.address).join(',');
  const held = await acquire(await it.use(openAt(address, { ...grown, log })));
  await servers[1]?.kill();
  await until(() => said.length > 0, 'it is told of');
  assert.ok(said[0]?.startsWith(`a renewal failed: redis at ${servers[1]?.address}: `), said[0]);
  assert.match(said[0] ?? '', / \(one of 3 masters\)$/);
  assert.equal(held.isLost(), false);
});
