import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { ServiceUnreachableError } from '../../../src/util/errors.js';
import { startProxy } from '../../helpers/proxy.js';
import { startRedis } from '../../helpers/redis.js';
import { type Scope, scope } from '../../helpers/scope.js';
import { acquire, openAt, TTL_MS, timed, tryAcquire } from './kit.js';

/** A holder that is cut off, and whose server is then killed, loses its memory, and is started again. */
async function forgottenHolder(it: Scope) {
  const redis = await it.use(startRedis());
  await redis.grown(TTL_MS);
  const proxy = await it.use(startProxy(redis.address, { protocol: 'raw' }));
  const held = await acquire(await it.use(openAt(proxy.address)));
  proxy.mode = 'blackhole';
  await redis.restart();
  return { redis, held };
}

test('a server that was restarted and has forgotten a lock grants it to nobody before the holder is dead', async (t) => {
  const it = scope(t);
  const { redis, held } = await forgottenHolder(it);
  const { at } = await timed(acquire(await it.use(openAt(redis.address))));
  assert.ok(at >= held.deadline(), `granted ${held.deadline() - at} ms before the deadline`);
});

test('twin: without the rule for restarted servers, two hold at once', async (t) => {
  const it = scope(t);
  const { redis, held } = await forgottenHolder(it);
  const { at } = await timed(acquire(await it.use(openAt(redis.address, { minUptimeS: 0 }))));
  assert.ok(at < held.deadline() && !held.isLost(), 'two at once');
});

test('a holder whose server has forgotten its lock is told so, and loses it', async (t) => {
  const it = scope(t);
  const redis = await it.use(startRedis());
  const held = await acquire(await it.use(openAt(redis.address, { minUptimeS: 0 })));
  await redis.restart();
  await until(() => held.lost.aborted, 'the loss is noticed');
  assert.match(String(held.lost.reason), /not ours any more .*lost its memory/);
});

test('a server that was just started says to one who does not want to wait that it cannot know', async (t) => {
  const it = scope(t);
  const redis = await it.use(startRedis());
  const session = await it.use(openAt(redis.address));
  await assert.rejects(
    tryAcquire(session),
    (error) =>
      error instanceof ServiceUnreachableError && /just started and may have forgotten/.test(error.message),
  );
  assert.deepEqual(await redis.keys(), []);
});

test('a waiter is told once why a server that was just started keeps it waiting', async (t) => {
  const it = scope(t);
  const redis = await it.use(startRedis());
  const said: string[] = [];
  const say = (_: unknown, message: string) => void said.push(message);
  const log = { debug: () => {}, info: say, warn: say, error: say };
  const from = systemClock.now();
  await acquire(await it.use(openAt(redis.address, { ttlMs: 1000, log })));
  assert.ok(systemClock.now() - from > 1000 - 1, 'it was kept waiting for the timeout');
  assert.equal(said.length, 1, said.join('\n'));
  assert.match(
    said[0] ?? '',
    /just started and may have forgotten a lock that is still held: it grants none for/,
  );
});
