import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { MemcachedRules } from '../../../src/backend/memcached/index.js';
import { keyOf } from '../../../src/backend/memcached/key.js';
import { unsettledMs } from '../../../src/backend/memcached/timing.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { ServiceUnreachableError } from '../../../src/util/errors.js';
import { startMemcached } from '../../helpers/memcached.js';
import { startProxy } from '../../helpers/proxy.js';
import { scope } from '../../helpers/scope.js';
import { claim, listening, never, open, TTL_MS, Waiter } from './kit.js';

/** A holder that is cut off, a server that is killed and forgets it, and one who wants the lock. */
async function forgottenHolder(t: TestContext, rules: MemcachedRules) {
  const on = scope(t);
  const memcached = await on.use(startMemcached());
  await memcached.settled(TTL_MS);
  const proxy = await on.use(startProxy(memcached.address, { protocol: 'raw' }));
  const { log, warnings } = listening();
  const holder = await on.use(open(proxy.address));
  const lease = await holder.acquire(claim('restart'), never);
  const next = await on.use(open(memcached.address, { log }, rules));
  const waiter = await Waiter.start(next, claim('restart'));
  proxy.mode = 'blackhole';
  await memcached.kill();
  await memcached.launch();
  const grantedAt = await waiter.granted(TTL_MS + 15_000);
  const deadline = lease.deadline();
  await (await waiter.lease).release();
  proxy.reset();
  return { early: grantedAt < deadline, warnings };
}

test('a memcached that was killed and forgot a lock grants it to nobody until its holder is dead', async (t) => {
  const { early, warnings } = await forgottenHolder(t, {});
  assert.equal(early, false);
  const why = warnings.filter((line) => line.includes('may have forgotten who holds the lock'));
  assert.equal(why.length, 1, warnings.join('\n'));
});

test('one who trusts a memcached that was started just now would run beside the holder that it forgot', async (t) => {
  const { early } = await forgottenHolder(t, { unsettled: () => 0 });
  assert.equal(early, true);
});

test('memcached says that it is older than it is, and is never believed', async (t) => {
  const startedAfter = systemClock.now();
  const memcached = await scope(t).use(startMemcached());
  let [second, ahead] = [0, 0];
  while (second < 5) {
    second = Number(await memcached.stat('uptime'));
    const age = systemClock.now() - startedAfter;
    ahead = Math.max(ahead, second * 1000 - age);
    const trustedAfter = age + unsettledMs(second, 0, TTL_MS);
    assert.ok(trustedAfter >= TTL_MS, `at ${second} s: trusted ${trustedAfter} ms after its start`);
  }
  assert.ok(ahead > 1000, `ahead by ${ahead} ms: more than whole seconds explain`);
});

test('a restart of memcached does not touch a holder that can reach it, and nobody else gets the lock', async (t) => {
  const on = scope(t);
  const memcached = await on.use(startMemcached());
  await memcached.settled(TTL_MS);
  const holder = await on.use(open(memcached.address));
  const lease = await holder.acquire(claim('kept'), never);
  const waiter = await Waiter.start(await on.use(open(memcached.address)), claim('kept'));
  await memcached.kill();
  await memcached.launch();
  await until(() => memcached.get(keyOf('test/kept')), 'the holder has written its lock again');
  await memcached.settled(TTL_MS);
  let renewed = 0;
  lease.onRenewed(() => {
    renewed += 1;
  });
  await until(() => renewed > 1, 'it is renewed as before');
  assert.deepEqual([lease.isLost(), waiter.grantedAt], [false, undefined]);
  await lease.release();
  await waiter.granted(15_000);
  await (await waiter.lease).release();
});

test('who does not want to wait is told that a memcached that was started just now cannot say whether a lock is free', async (t) => {
  const on = scope(t);
  const memcached = await on.use(startMemcached());
  const backend = await on.use(open(memcached.address));
  await assert.rejects(backend.tryAcquire(claim('young'), never), (error) => {
    assert.ok(error instanceof ServiceUnreachableError, String(error));
    assert.match(error.message, /granted to nobody for another \d+ s/);
    return true;
  });
  assert.deepEqual(await memcached.keys(), []);
});

test('who wants a minimum hold is granted it by a memcached that is older than that: it may have forgotten such a one', async (t) => {
  const on = scope(t);
  const memcached = await on.use(startMemcached());
  await memcached.settled(TTL_MS);
  const backend = await on.use(open(memcached.address));
  const held = claim('young-for-a-hold', { holdMs: 600_000 });
  await assert.rejects(backend.tryAcquire(held, never), /granted to nobody for another 5\d\d s/);
  const lease = await backend.tryAcquire(claim('young-for-a-hold'), never);
  assert.ok(lease);
  await lease.release();
});
