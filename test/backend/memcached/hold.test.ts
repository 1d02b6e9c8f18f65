import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { keyOf } from '../../../src/backend/memcached/key.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { type Memcached, startMemcached } from '../../helpers/memcached.js';
import { startProxy } from '../../helpers/proxy.js';
import { scope } from '../../helpers/scope.js';
import { claim, never, open, TTL_MS, Waiter } from './kit.js';

const HOLD_MS = 7000;
let memcached: Memcached;
before(async () => {
  memcached = await startMemcached();
  await memcached.settled(HOLD_MS);
});
after(() => memcached[Symbol.asyncDispose]());

/** How long after the grant the next one is granted the lock, ms, when the holder ends in this way. */
async function nextAfter(t: TestContext, name: string, holdMs: number, end: 'release' | 'crash') {
  const on = scope(t);
  const proxy = await on.use(startProxy(memcached.address, { protocol: 'raw' }));
  const lease = await (await on.use(open(proxy.address))).acquire(claim(name, { holdMs }), never);
  const grantedAt = systemClock.now();
  const waiter = await Waiter.start(await on.use(open(memcached.address)), claim(name));
  if (end === 'release') await lease.release();
  else proxy.mode = 'blackhole';
  const tookMs = (await waiter.granted(HOLD_MS + TTL_MS + 15_000)) - grantedAt;
  await (await waiter.lease).release();
  proxy.reset();
  return { tookMs, told: waiter.told };
}

test('a lock with a minimum hold that is given back is granted to nobody until that has passed', async (t) => {
  const { tookMs, told } = await nextAfter(t, 'released', HOLD_MS, 'release');
  assert.ok(tookMs >= HOLD_MS, `${tookMs}`);
  const last = told.at(-1)?.[0];
  assert.deepEqual([last?.state, last?.pid], ['holding', 4711]);
  assert.ok(last?.heldUntil !== undefined && last.heldUntil.getTime() > Date.now() - 10_000);
});

test('without a minimum hold the next one has it at once', async (t) => {
  const { tookMs } = await nextAfter(t, 'free', 0, 'release');
  assert.ok(tookMs < HOLD_MS, `${tookMs}`);
});

test('a minimum hold binds when its holder has crashed, too', async (t) => {
  const { tookMs } = await nextAfter(t, 'crashed', HOLD_MS, 'crash');
  assert.ok(tookMs >= HOLD_MS, `${tookMs}`);
});

test('a crash without a minimum hold is over a timeout later', async (t) => {
  const { tookMs } = await nextAfter(t, 'crashed-free', 0, 'crash');
  assert.ok(tookMs < HOLD_MS, `${tookMs}`);
});

test("a minimum hold sends away who does not want to wait, is nobody's lease, and leaves nothing", async (t) => {
  const backend = await scope(t).use(open(memcached.address));
  const lease = await backend.acquire(claim('asked', { holdMs: 2000 }), never);
  assert.equal(await backend.owns(lease.evidence ?? '', never), true);
  await lease.release();
  assert.equal(await backend.owns(lease.evidence ?? '', never), false);
  assert.equal(await backend.tryAcquire(claim('asked'), never), undefined);
  const [contender] = await backend.contenders('test/asked', never);
  assert.ok(contender?.heldUntil !== undefined);
  assert.equal(contender.self, false);
  await until(async () => (await memcached.keys()).length === 0, 'nothing is left');
});

test('a minimum hold binds also when memcached has thrown the key out before it was given back', async (t) => {
  const backend = await scope(t).use(open(memcached.address));
  const lease = await backend.acquire(claim('thrown-out', { holdMs: 60_000 }), never);
  await memcached.delete(keyOf('test/thrown-out'));
  await lease.release();
  assert.equal(await backend.tryAcquire(claim('thrown-out'), never), undefined);
  await memcached.delete(keyOf('test/thrown-out'));
});

test('a minimum hold that memcached would take for a date is refused', async (t) => {
  const backend = await scope(t).use(open(memcached.address));
  const wanted = claim('long', { holdMs: 31 * 86_400_000 });
  await assert.rejects(backend.acquire(wanted, never), /expected a minimum hold of less than 30 days/);
  assert.deepEqual(await memcached.keys(), []);
});
