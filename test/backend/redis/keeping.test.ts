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
import { type Scope, scope } from '../../helpers/scope.js';
import { acquire, never, openAt, openOptions, TTL_MS } from './kit.js';

/** The servers' age is not the matter here. */
const grown = { minUptimeS: 0 };

/** One that is further away than the others: its answers come after theirs. */
class Distant extends Master {
  asked = 0;
  answered = 0;
  override async run(...words: Parameters<Master['run']>) {
    this.asked += 1;
    const answer = await super.run(...words);
    await delay(100, systemClock);
    this.answered += 1;
    return answer;
  }
}

const place: Place = {
  keys: keysOf('test/r'),
  owner: 'me',
  who: '{}',
  ttlMs: 60_000,
  holdMs: 60_000,
  minUptimeS: 0,
};

/** Three masters with our lock, the last of which is distant and has forgotten it since. */
async function forgottenByOne(it: Scope) {
  const servers = await Promise.all([1, 2, 3].map(() => it.use(startRedis())));
  const [first, second, last] = servers.map(
    ({ port }) => new Redis({ ...clientOptions(TTL_MS, Math.random), host: '127.0.0.1', port }),
  );
  assert.ok(first && second && last);
  const distant = new Distant('distant', last);
  const masters = new Masters([new Master('first', first), new Master('second', second), distant]);
  await it.use({ [Symbol.asyncDispose]: async () => masters.close() });
  await masters.open(openOptions(), never);
  assert.equal((await contend(masters, place, false, never)).how, 'granted');
  const { lock, hold } = place.keys;
  const has = async (key: string) => (await servers[2]?.cli('EXISTS', key)) === '1';
  await until(() => distant.answered === 2, 'the last one has granted, too, and made the minimum hold');
  assert.deepEqual([await has(lock), await has(hold)], [true, true]);
  await servers[2]?.cli('DEL', lock, hold);
  return { masters, distant, has };
}

test('a master that has lost its memory gets the lock again also when it is always the last to answer', async (t) => {
  const { masters, distant, has } = await forgottenByOne(scope(t));
  const keeper = new Keeper(masters, place, never, silentLog);
  assert.deepEqual(await keeper.renew(), { how: 'renewed' });
  await until(() => has(place.keys.lock), 'it is brought back');
  await until(() => distant.answered === distant.asked, 'all is done');
  assert.equal(await has(place.keys.hold), false, 'and not to be held for longer');
});

test('a lock that is given back meanwhile is not brought back', async (t) => {
  const { masters, distant, has } = await forgottenByOne(scope(t));
  const released = new AbortController();
  const keeper = new Keeper(masters, place, released.signal, silentLog);
  assert.deepEqual(await keeper.renew(), { how: 'renewed' });
  released.abort();
  const { asked } = distant;
  await until(() => distant.answered === asked, 'it has said that it has none');
  assert.equal(await has(place.keys.lock), false);
  assert.equal(distant.asked, asked);
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
