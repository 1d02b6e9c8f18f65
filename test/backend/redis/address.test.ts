import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLogin, parseRedis } from '../../../src/backend/redis/address.js';
import { redisError } from '../../../src/backend/redis/redis-error.js';
import { safeUptimeS, silenceMs } from '../../../src/backend/redis/timing.js';
import { restMs } from '../../../src/backend/redis/wait.js';
import { UsageError } from '../../../src/util/errors.js';

test('an address names masters, a login and a database', () => {
  assert.deepEqual(parseRedis('a, b:7000,[::1]/3'), {
    servers: [
      { host: 'a', port: 6379 },
      { host: 'b', port: 7000 },
      { host: '::1', port: 6379 },
    ],
    db: 3,
    login: undefined,
  });
  assert.deepEqual(parseRedis('me:p%3Aw@a').login, { user: 'me', password: 'p:w' });
  assert.deepEqual(parseLogin(':pw:x'), { user: undefined, password: 'pw:x' });
});

test('a master that is named twice, a database without a number, and a login without a colon are refused', () => {
  for (const address of ['a,b,a', 'a/x', 'a/-1', 'a/0/1', 'secret@a', '']) {
    assert.throws(
      () => parseRedis(address),
      (error) => error instanceof UsageError && !error.message.includes('secret'),
      address,
    );
  }
});

test('a password that has an "@" or a slash in it is never shown, with its codes or without', () => {
  const { login, servers } = parseRedis('me:se@cret@a');
  assert.deepEqual([login?.password, servers], ['se@cret', [{ host: 'a', port: 6379 }]]);
  for (const address of ['me:secret/x@a', ':secret/x@a', 'me:1/secret@a', 'me:x%zz@secret@a']) {
    assert.throws(
      () => parseRedis(address),
      (error) => error instanceof UsageError && !/secret/.test(error.message + error.hint),
      address,
    );
  }
});

test('an uptime that is told in whole seconds, rounded down twice, is longer than the timeout', () => {
  // The server was started at `from`, late in a second, and tells the difference of two whole seconds at `now`.
  for (const ttlMs of [1000, 1500, 4000, 15_000]) {
    for (let from = 0; from < 1; from += 0.09) {
      for (let now = from; now < from + 30; now += 0.07) {
        const told = Math.floor(now) - Math.floor(from);
        if (told >= safeUptimeS(ttlMs)) assert.ok((now - from) * 1000 >= ttlMs);
      }
    }
  }
});

test('twin: without the second that is added, a server may grant too early', () => {
  const [from, now, ttlMs] = [0.9, 4.1, 4000];
  assert.ok(Math.floor(now) - Math.floor(from) >= safeUptimeS(ttlMs) - 1 && (now - from) * 1000 < ttlMs);
});

test('a waiter looks when the key ends, and every quarter of the timeout at the latest', () => {
  assert.equal(restMs({ how: 'held', forMs: 100 }, 4000, 0), 101);
  assert.equal(restMs({ how: 'held', forMs: 100 }, 4000, 1), 151);
  assert.equal(restMs({ how: 'held', forMs: 4000 }, 4000, 1), 1000);
  assert.ok(restMs({ how: 'held', forMs: -1 }, 4000, 1) <= 100);
});

test('with a long timeout, a silent server is given up after a minute, and a release that was not told is seen in ten seconds', () => {
  assert.equal(silenceMs(15_000), 2500);
  assert.equal(silenceMs(86_400_000), 60_000);
  assert.equal(restMs({ how: 'held', forMs: 86_400_000 }, 86_400_000, 1), 10_000);
});

test('what the client library says of its own options is said in words for an operator', () => {
  for (const [said, shown] of [
    ['Reached the max retries per request limit (which is 0). Refer to ...', 'the connection broke'],
    ["Socket timeout. Expecting data, but didn't receive any in 500ms.", 'no answer within 500 ms'],
    [
      'Unknown RESP type 72 "H". Please report this.',
      'expected a redis, got an answer of something else, which begins with "H"',
    ],
    ['', 'no connection'],
    ['connect ECONNREFUSED 127.0.0.1:1', 'connect ECONNREFUSED 127.0.0.1:1'],
  ] as const) {
    assert.equal(redisError('a:1', new Error(said)).message, `redis at a:1: ${shown}`);
  }
});
