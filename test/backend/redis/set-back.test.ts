import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keysOf, TOKEN_KEY } from '../../../src/backend/redis/keys.js';
import { CONTEND } from '../../../src/backend/redis/scripts.js';
import { startRedis } from '../../helpers/redis.js';
import { scope } from '../../helpers/scope.js';
import { acquire, openAt } from './kit.js';

/** As a server says it whose date was set back by more than it has been up. */
const SET_BACK = `
local real = redis
local redis = {
  call = function(name, ...)
    if name == 'INFO' and ... == 'server' then return 'uptime_in_seconds:-5' end
    return real.call(name, ...)
  end,
  error_reply = real.error_reply,
}
`;

test('a server whose date was set back before its start is taken for one that was just started', async (t) => {
  const server = await scope(t).use(startRedis());
  const { lock, hold, waiters } = keysOf('test/r');
  const args = ['me', '{}', '4000', '0', '5'];
  const answer = await server.cli('EVAL', SET_BACK + CONTEND, '4', lock, hold, waiters, TOKEN_KEY, ...args);
  assert.deepEqual(answer.split('\n'), ['young', '10000']);
});

test('tokens rise also when the date of the server was set back since the last one', async (t) => {
  const server = await scope(t).use(startRedis());
  // Of the year 2200, and still whole.
  await server.cli('SET', TOKEN_KEY, '7258118400000000');
  await using session = await openAt(server.address, { minUptimeS: 0 });
  for (const expected of [7258118400000001n, 7258118400000002n]) {
    const lease = await acquire(session);
    assert.equal(lease.fencingToken, expected);
    await lease.release();
  }
});
