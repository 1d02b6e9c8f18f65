import assert from 'node:assert/strict';
import type { Claim, LockBackend } from '../backend/contract.js';
import { UsageError } from '../util/errors.js';
import type { Bench } from './bench.js';
import type { Sentence } from './sentence.js';
import { until } from './until.js';

/** The hold that most sentences ask for, ms: a whole second, since some services count in these. */
const HOLD_MS = 1000;

/** Of one that has to be seen while it lasts, however busy the machine is, ms. */
const LONG_HOLD_MS = 4000;

/**
 * By how much the service's clock may seem to run ahead of ours, ms: 10 of `/proc/uptime`, 2 x 1 of a time that is cut
 * to whole ms, and 3 for a clock that is being slewed (500 ppm of 4 s, twice).
 */
const CLOCKS_MS = 15;

/** By how much a service may keep it longer, ms: it counts in whole seconds, rounds up, and looks every now and then. */
const ROUNDING_MS = 2000;

const identity = { host: 'keeper.example', pid: 7, command: 'report' };

/** Whether a service has no minimum hold: then one that is asked for must be refused. */
async function refusesHold(bench: Bench): Promise<boolean> {
  const session = await bench.open();
  if (session.traits.hold) return false;
  await assert.rejects(bench.contend(session, { holdMs: 1 }).lease, UsageError);
  await assert.rejects(bench.tryAcquire(session, { holdMs: 1 }), UsageError);
  bench.doesNotApply('no minimum hold');
  return true;
}

/** Takes a permit with a minimum hold; the answer is a moment before the grant, from which the hold counts. */
async function take(bench: Bench, session: LockBackend, part: Partial<Claim> = {}) {
  const before = performance.now();
  const lease = await bench.acquire(session, { holdMs: HOLD_MS, identity, ...part });
  return { lease, before };
}

/** Waits for a permit that is kept, gives it back, and says when it was granted. What is left of the hold goes with that. */
async function afterHold(bench: Bench, session: LockBackend, part: Partial<Claim> = {}): Promise<number> {
  const contending = bench.contend(session, part);
  const limitMs = HOLD_MS + ROUNDING_MS + (bench.ground.limitMs ?? 15_000);
  await until(() => contending.outcome() !== 'pending', 'the permit is granted after the hold', limitMs);
  const lease = await contending.lease;
  const at = performance.now();
  await lease.release();
  return at;
}

/** That a grant did not come while a hold since `before` was binding. */
function assertNotEarly(at: number, before: number, holdMs = HOLD_MS): void {
  const early = before + holdMs - at;
  assert.ok(early <= CLOCKS_MS, `granted ${Math.round(early)} ms before a hold of ${holdMs} ms had passed`);
}

/** That nobody gets the permit who does not want to wait, unless the hold has passed. */
async function assertKept(bench: Bench, session: LockBackend, before: number, part: Partial<Claim> = {}) {
  const lease = await bench.tryAcquire(session, part);
  if (lease === undefined) return;
  const at = performance.now();
  await lease.release();
  assertNotEarly(at, before);
}

/** Waits until a hold that was taken before now must have passed, whatever the service counts in. */
async function passed(): Promise<void> {
  const end = performance.now() + HOLD_MS + ROUNDING_MS;
  await until(() => performance.now() > end, 'the hold has passed', HOLD_MS + ROUNDING_MS + 15_000);
}

/** A permit that is kept for a while after its grant. */
export const holdSentences: readonly Sentence[] = [
  {
    title: 'keeps a permit for its minimum hold after it was given back, or has no minimum hold',
    async run(bench) {
      if (await refusesHold(bench)) return;
      const [a, b] = [await bench.open(), await bench.open()];
      const { lease, before } = await take(bench, a);
      await lease.release();
      await lease.release();
      await assertKept(bench, b, before);
      await assertKept(bench, a, before);
      assertNotEarly(await afterHold(bench, b), before);
    },
  },
  {
    title: 'keeps it when the lease is lost',
    async run(bench) {
      if (await refusesHold(bench)) return;
      const [a, b] = [await bench.open(), await bench.open()];
      const { lease, before } = await take(bench, a);
      await bench.ground.sabotage(a, lease);
      await bench.until(() => lease.lost.aborted, 'the loss is noticed');
      await lease.release();
      await assertKept(bench, b, before);
      assertNotEarly(await afterHold(bench, b), before);
    },
  },
  {
    title: 'keeps it when the session is closed, and for one who waits already',
    async run(bench) {
      if (await refusesHold(bench)) return;
      const [a, b] = [await bench.open(), await bench.open()];
      const { before } = await take(bench, a);
      const waiter = afterHold(bench, b);
      await a[Symbol.asyncDispose]();
      assertNotEarly(await waiter, before);
    },
  },
  {
    title: 'keeps it no longer than that: it is free at once when it is given back later',
    async run(bench) {
      if (await refusesHold(bench)) return;
      const [a, b] = [await bench.open(), await bench.open()];
      const { lease } = await take(bench, a);
      await passed();
      assert.equal(await bench.tryAcquire(b), undefined, 'it is still held');
      await lease.release();
      const next = await bench.tryAcquire(b);
      assert.ok(next, 'it is free');
      await next.release();
    },
  },
  {
    title: 'counts the hold of each grant by itself',
    async run(bench) {
      if (await refusesHold(bench)) return;
      const [a, b] = [await bench.open(), await bench.open()];
      const first = await take(bench, a);
      await first.lease.release();
      const contending = bench.contend(b, { holdMs: HOLD_MS });
      const limitMs = HOLD_MS + ROUNDING_MS + (bench.ground.limitMs ?? 15_000);
      await until(() => contending.outcome() !== 'pending', 'the second grant', limitMs);
      assertNotEarly(performance.now(), first.before);
      await (await contending.lease).release();
      assertNotEarly(await afterHold(bench, a), first.before + HOLD_MS);
    },
  },
  {
    title: 'keeps nothing for one who was sent away, or left the line',
    async run(bench) {
      if (await refusesHold(bench)) return;
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      const held = await bench.acquire(a);
      const endless = { holdMs: 3_600_000 };
      assert.equal(await bench.tryAcquire(b, endless), undefined);
      const waiter = await bench.wait(c, endless);
      waiter.abort();
      await assert.rejects(waiter.lease);
      await held.release();
      await (await bench.acquire(b)).release();
    },
  },
  {
    title: 'shows who keeps a permit and until when, and lets one leave who waits for it',
    async run(bench) {
      if (await refusesHold(bench)) return;
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      const { lease, before } = await take(bench, a, { holdMs: LONG_HOLD_MS });
      const [living] = await bench.contenders(b);
      assert.equal(living?.heldUntil, undefined, 'it is held, not kept');
      await lease.release();
      const day = 86_400_000;
      const assertShown = (contenders: Awaited<ReturnType<Bench['contenders']>>) => {
        const holders = contenders.filter(({ state }) => state === 'holding');
        assert.equal(holders.length, 1, JSON.stringify(contenders));
        const [kept] = holders;
        assert.deepEqual({ host: kept?.host, pid: kept?.pid, command: kept?.command }, identity);
        const { heldUntil, since } = kept ?? {};
        assert.ok(heldUntil && Math.abs(heldUntil.getTime() - Date.now()) < day, String(heldUntil));
        assert.ok(since === undefined || since < heldUntil, `${since} to ${heldUntil}`);
      };
      assertShown(await bench.contenders(b));
      const waiter = await bench.wait(b);
      const told = waiter.told.at(-1) ?? [];
      assertShown(told);
      assert.deepEqual(
        told.filter(({ self }) => self).map(({ state }) => state),
        ['waiting'],
      );
      const reason = new Error('I have to go');
      waiter.abort(reason);
      await assert.rejects(waiter.lease, (error) => error === reason);
      const left = (await bench.contenders(b)).filter(({ state }) => state === 'waiting');
      assert.deepEqual(left, []);
      assertNotEarly(await afterHold(bench, c), before, LONG_HOLD_MS);
      assert.deepEqual(await bench.contenders(c), []);
    },
  },
  {
    title: 'leaves nothing behind once a hold has passed and the next contender has come',
    async run(bench) {
      if (await refusesHold(bench)) return;
      const [a, b] = [await bench.open(), await bench.open()];
      const { lease } = await take(bench, a);
      await lease.release();
      await passed();
      const next = await bench.tryAcquire(b);
      assert.ok(next, 'it is free');
      await next.release();
      assert.deepEqual(await bench.contenders(b), []);
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
      await bench.assertNothingLeft();
    },
  },
  {
    title: 'keeps one permit of several for a hold, and none while its holder is there',
    async run(bench) {
      if (await refusesHold(bench)) return;
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      if (a.traits.maxPermits < 2) return bench.doesNotApply('one permit');
      const two = { permits: 2 };
      const { lease, before } = await take(bench, a, two);
      const other = await bench.tryAcquire(b, two);
      assert.ok(other, 'one who holds and whose hold is binding takes one permit, not two');
      await lease.release();
      await assertKept(bench, c, before, two);
      assertNotEarly(await afterHold(bench, c, two), before);
      await other.release();
    },
  },
  {
    title: 'keeps writers out for the hold of a reader, and no readers',
    async run(bench) {
      if (await refusesHold(bench)) return;
      const [a, b] = [await bench.open(), await bench.open()];
      if (!a.traits.shared) return bench.doesNotApply('no readers');
      const { lease, before } = await take(bench, a, { mode: 'shared' });
      await lease.release();
      const reader = await bench.tryAcquire(b, { mode: 'shared' });
      assert.ok(reader, 'readers hold together');
      await reader.release();
      assertNotEarly(await afterHold(bench, b), before);
    },
  },
];
