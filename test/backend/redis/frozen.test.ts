import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keysOf } from '../../../src/backend/redis/keys.js';
import { HOLD } from '../../../src/backend/redis/scripts.js';
import { until } from '../../../src/testing/until.js';
import { ServiceUnreachableError } from '../../../src/util/errors.js';
import { startRedis } from '../../helpers/redis.js';
import { scope } from '../../helpers/scope.js';
import { acquire, openAt, tryAcquire } from './kit.js';

/** The server's age is not the matter here. */
const grown = { minUptimeS: 0 };

test('what a frozen server was asked for by one who has given up is over with the timeout, and is no minimum hold', async (t) => {
  const it = scope(t);
  const server = await it.use(startRedis());
  const session = await it.use(openAt(server.address, { ...grown, connectLimitMs: 2000 }));
  await server.freeze();
  await assert.rejects(tryAcquire(session, { holdMs: 3_600_000 }), (error) => {
    assert.ok(error instanceof ServiceUnreachableError, String(error));
    assert.match(error.message, /no answer within \d+ ms/);
    return true;
  });
  server.thaw();
  await until(async () => (await server.keys()).includes('lockex:{test/r}'), 'it is granted, too late');
  assert.deepEqual(await server.keys(), ['lockex:{test/r}']);
  await acquire(await it.use(openAt(server.address, grown)));
});

test('a minimum hold that is asked for too late is made for nobody but the holder', async (t) => {
  const server = await scope(t).use(startRedis());
  const { lock, hold } = keysOf('test/r');
  const ask = (owner: string) => server.cli('EVAL', HOLD, '2', lock, hold, owner, '60000');
  assert.equal(await ask('me'), 'gone');
  await server.cli('HSET', lock, 'owner', 'another', 'since', '1', 'who', '{}');
  assert.equal(await ask('me'), 'gone');
  assert.equal(await server.cli('EXISTS', hold), '0');
  assert.equal(await ask('another'), 'held');
  assert.equal(await server.cli('GET', hold), 'another 1 {}');
});
