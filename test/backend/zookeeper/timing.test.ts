import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseBudget } from '../../../src/backend/zookeeper/timing.js';
import { UsageError } from '../../../src/util/errors.js';

test('with a session timeout of 15 s, all is dead by 10 s, the stop begins at 7.25 s, and 6 s are ridden out', () => {
  const budget = leaseBudget(15_000, undefined);
  assert.deepEqual(
    [budget.renewEveryMs, budget.stopAfterMs, budget.killAfterMs, budget.deadlineAfterMs, budget.rideOutMs],
    [1250, 7250, 9750, 10_000, 6000],
  );
});

/**
 * The earliest that a leader can let the session go, counted from the send of the last acknowledged write: its
 * timeout, less what a follower may sit on a touch (half a tick, and a tick is T/2 at most) and one renewal.
 */
const earliestTakeover = (ttlMs: number, renewEveryMs: number) => ttlMs - ttlMs / 4 - renewEveryMs;

for (const ttlMs of [1000, 2000, 4000, 15_000, 60_000, 600_000]) {
  test(`all is dead before anybody else can be granted the lock, with a session timeout of ${ttlMs} ms`, () => {
    const budget = leaseBudget(ttlMs, undefined);
    assert.ok(budget.deadlineAfterMs <= earliestTakeover(ttlMs, budget.renewEveryMs) + 1e-6);
    assert.ok(budget.killAfterMs < budget.deadlineAfterMs);
    assert.ok(budget.stopAfterMs < budget.killAfterMs);
    assert.ok(budget.rideOutMs >= budget.renewEveryMs);
  });
}

test('a deadline of 3T/4, without the renewal taken off, would come too late', () => {
  const { ttlMs, renewEveryMs } = leaseBudget(15_000, undefined);
  assert.ok((ttlMs * 3) / 4 > earliestTakeover(ttlMs, renewEveryMs));
});

test('a loss grace that does not fit is refused, and the message names both numbers and the most that fits', () => {
  assert.throws(
    () => leaseBudget(4000, 3000),
    (error) =>
      error instanceof UsageError &&
      /loss grace of 3 s/.test(error.message) &&
      /session timeout of 4 s/.test(error.message) &&
      /at most 1\.75 s/.test(error.hint ?? ''),
  );
  assert.doesNotThrow(() => leaseBudget(4000, 1749));
  assert.throws(() => leaseBudget(4000, 1751), UsageError);
});
