import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '../../../src/backend/memcached/key.js';
import { parseServers, serverOf } from '../../../src/backend/memcached/servers.js';
import {
  holdSeconds,
  LEAST_TTL_MS,
  leaseSeconds,
  memcachedBudget,
  unsettledMs,
} from '../../../src/backend/memcached/timing.js';
import { readValue } from '../../../src/backend/memcached/value.js';
import { UsageError } from '../../../src/util/errors.js';
import { sha256 } from '../../../src/util/sha256.js';

test('a key in memcached is readable where that is allowed, and a digest where not', () => {
  assert.equal(keyOf('lockex/job'), 'lock:lockex/job');
  const odd = ['a b', 'ü', 'a\nb', 'x'.repeat(246), 'a\x7fb'];
  for (const resource of odd) assert.match(keyOf(resource), /^lock#[0-9a-f]{64}$/, resource);
  assert.equal(keyOf('x'.repeat(245)).length, 250);
});

test('no two names have one key, not even when one is made to look like the digest of the other', () => {
  const names = ['a b', 'a  b', 'A b', sha256('a b'), `#${sha256('a b')}`, `lock#${sha256('a b')}`, 'a_b'];
  assert.equal(new Set(names.map(keyOf)).size, names.length);
});

test('a lock is on one of the servers, always the same one for the same list', () => {
  const servers = parseServers('a,b:1,[::1]:2');
  const chosen = Array.from({ length: 300 }, (_, n) => serverOf(`lockex/${n}`, servers).host);
  for (const { host } of servers) {
    const share = chosen.filter((each) => each === host).length;
    assert.ok(share > 60, `${host} has ${share} of 300`);
  }
  // Never to be changed: two versions of lockex would not exclude each other.
  assert.deepEqual(
    ['lockex/a', 'lockex/b', 'lockex/c', 'lockex/d'].map((each) => serverOf(each, servers).port),
    ['lockex/a', 'lockex/b', 'lockex/c', 'lockex/d'].map(
      (each) => [11_211, 1, 2][Number.parseInt(sha256(each).slice(0, 12), 16) % 3],
    ),
  );
});

test('a memcached address has servers only', () => {
  assert.throws(() => parseServers('me:secret@a:1'), { name: 'UsageError', message: /^(?!.*secret)/ });
  assert.throws(() => parseServers('me:1/secret@a:1'), { name: 'UsageError', message: /^(?!.*secret)/ });
  assert.throws(() => parseServers('a:1/0'), UsageError);
  assert.throws(() => parseServers(''), UsageError);
});

test('a timeout too short for whole seconds is refused, and one that memcached would take for a date', () => {
  assert.throws(
    () => memcachedBudget(1500, undefined),
    /expected a session timeout of at least 2.1 s with memcached, got 1.5 s/,
  );
  // The least one is that of the time line, rounded: a sixth of it is the grace that is meant.
  assert.throws(() => memcachedBudget(LEAST_TTL_MS - 50, LEAST_TTL_MS / 6), /does not fit into/);
  assert.doesNotThrow(() => memcachedBudget(LEAST_TTL_MS, undefined));
  assert.equal(Math.round(memcachedBudget(4000, undefined).deadlineAfterMs), 2587);
  assert.equal(memcachedBudget(15_000, undefined).deadlineAfterMs, 12_450);
  assert.throws(() => memcachedBudget(31 * 86_400_000, undefined), /less than 30 days/);
  assert.deepEqual([leaseSeconds(15_000), leaseSeconds(4001), holdSeconds(1)], [16, 6, 3]);
});

test('a server is trusted once it has surely been up for longer than a lock binds', () => {
  assert.equal(unsettledMs(15, 0, 15_000), 3000);
  assert.equal(unsettledMs(15, 3000, 15_000), 0);
  assert.equal(unsettledMs(2, 0, 15_000), 16_000);
});

test('what another program has put under our key is nobody we know', () => {
  for (const text of ['', 'x', '1', 'null', '{}', '{"owner":"a"}', '[]'])
    assert.equal(readValue(text), undefined);
});
