import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaseLostError } from '../../src/util/errors.js';
import { type LeaseBudget, LeaseDeadline } from '../../src/util/lease-deadline.js';
import { ManualClock } from '../helpers/manual-clock.js';

const budget: LeaseBudget = {
  ttlMs: 12_000,
  renewEveryMs: 1000,
  rideOutMs: 4800,
  stopAfterMs: 5800,
  killAfterMs: 7800,
  deadlineAfterMs: 8000,
};

function lease(sentAt = 0, lastFailure?: () => string | undefined) {
  const clock = new ManualClock();
  return { clock, deadline: new LeaseDeadline(budget, clock, sentAt, lastFailure) };
}

test('a lease is not lost a tick before the stop is due, and is lost when it is', () => {
  const { clock, deadline } = lease();
  clock.advance(5799);
  assert.equal(deadline.lost.aborted, false);
  clock.advance(1);
  assert.equal(deadline.lost.aborted, true);
  const { reason } = deadline.lost;
  assert.ok(reason instanceof LeaseLostError);
  assert.equal(reason.lossCause, 'silence');
  assert.equal(reason.remainingMs, 2200);
  assert.equal(deadline.at(), 8000);
});

test('trap 3: The deadline counts from when the last acknowledged write was *sent*, not when its reply arrived or the drop was noticed', () => {
  const { clock, deadline } = lease();
  clock.advance(3000);
  deadline.renewed(1000);
  assert.equal(deadline.at(), 9000);
  clock.advance(3799);
  assert.equal(deadline.lost.aborted, false);
  clock.advance(1);
  assert.equal(deadline.lost.aborted, true);
});

test('a loss by silence says why the last renewal failed, where that is known', () => {
  for (const [failure, said] of [
    ['no answer in time', ' (no answer in time)'],
    [undefined, ''],
  ] as const) {
    const { clock, deadline } = lease(0, () => failure);
    clock.advance(5800);
    const expected = `the lock service acknowledged no renewal for 5800 ms${said}; the session may expire 12000 ms after the last one`;
    assert.equal(deadline.lost.reason.message, expected);
  }
});

test('acknowledgements out of order never move the deadline back', () => {
  const { deadline } = lease();
  deadline.renewed(2000);
  deadline.renewed(1000);
  assert.equal(deadline.at(), 10_000);
});

test('after a freeze, a reply that is read before the overdue timer does not revive the lease', () => {
  const { clock, deadline } = lease();
  clock.jump(9000); // time passes and no timer runs
  deadline.renewed(8900);
  assert.equal(deadline.lost.aborted, true);
  assert.equal(deadline.at(), 8000);
});

test('the word of the service that the session is over leaves no time', () => {
  const { clock, deadline } = lease();
  clock.advance(100);
  deadline.lose(new LeaseLostError('expired', 'session expired', 0));
  assert.equal(deadline.at(), 100);
  deadline.renewed(100);
  assert.equal(deadline.at(), 100);
});

test('a lease that was given back is not lost later', () => {
  const { clock, deadline } = lease();
  deadline.end();
  clock.advance(60_000);
  assert.equal(deadline.lost.aborted, false);
});

test('a renewal that is acknowledged after the lease was given back sets no timer, and nothing is lost', () => {
  const { clock, deadline } = lease();
  deadline.end();
  deadline.renewed(0);
  clock.advance(60_000);
  assert.equal(deadline.isLost(), false);
});

test('a shorter timeout that the service gives later moves the deadline nearer at once', () => {
  const { clock, deadline } = lease();
  clock.advance(2000);
  deadline.changeBudget({ ...budget, stopAfterMs: 2900, killAfterMs: 3900, deadlineAfterMs: 4000 });
  assert.equal(deadline.at(), 4000);
  clock.advance(899);
  assert.equal(deadline.lost.aborted, false);
  clock.advance(1);
  assert.equal(deadline.lost.aborted, true);
});
