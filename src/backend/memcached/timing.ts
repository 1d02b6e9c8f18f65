import { UsageError } from '../../util/errors.js';
import type { LeaseBudget } from '../../util/lease-deadline.js';
import { keyBudget, SIGNS_PER_TTL } from '../lease-budget.js';

/**
 * How much too early, seconds, memcached may drop a key. It keeps whole seconds of a clock that a timer moves once a
 * second: one second is the rounding, the other that timer's drift, which now and then skips a number (memcached.c,
 * `clock_handler` and `realtime`). Of keys that were to live for 2 s, the shortest lived 1.1 s on an idle 1.6.18.
 */
const EARLY_SECONDS = 2;

/** A key of a lease is asked to live so much longer than the timeout, seconds: so a crash costs that much more. */
const LONGER_SECONDS = 1;

/** A longer time to live is a date to memcached (`REALTIME_MAXDELTA`), and dates need clocks that agree. */
const LONGEST_SECONDS = 30 * 24 * 3600;

/** A shorter timeout leaves no room to ride out a late renewal, by the time line of {@link memcachedBudget}, ms. */
export const LEAST_TTL_MS = 2100;

/** For what time to live, in whole seconds, a lease with this timeout, ms, asks. */
export function leaseSeconds(ttlMs: number): number {
  return Math.ceil(ttlMs / 1000) + LONGER_SECONDS;
}

/** For what time to live, in whole seconds, to ask, so that a key surely lives for `ms`. */
export function holdSeconds(ms: number): number {
  return Math.ceil(ms / 1000) + EARLY_SECONDS;
}

/**
 * How much too early, ms, a key may go that a renewal has written. The server's clock was seen to move before that
 * (SeenClock): at most a renewal and a second of the clock ago.
 */
function stepMs(ttlMs: number): number {
  return (EARLY_SECONDS - LONGER_SECONDS) * 1000 + ttlMs / SIGNS_PER_TTL;
}

/**
 * The time line of a lease.
 * @throws UsageError as {@link keyBudget}, and for a timeout below {@link LEAST_TTL_MS}
 */
export function memcachedBudget(ttlMs: number, lossGraceMs: number | undefined): LeaseBudget {
  checkSpan('ttl', ttlMs);
  if (lossGraceMs === undefined && ttlMs < LEAST_TTL_MS) throw tooShort(ttlMs);
  return keyBudget(ttlMs, stepMs(ttlMs), lossGraceMs);
}

/**
 * From when, monotonic ms, the time line of a renewal counts, if that is before it was sent. The key lives for the timeout
 * and {@link LONGER_SECONDS} more from the second that the server's clock shows. That has begun after `rightAt`, or less
 * than a second before: the key lives until `rightAt + ttlMs` at least.
 */
export function countsFrom(rightAt: number, ttlMs: number): number {
  return rightAt + stepMs(ttlMs);
}

function tooShort(ttlMs: number): UsageError {
  return new UsageError(
    `expected a session timeout of at least ${LEAST_TTL_MS / 1000} s with memcached, got ${ttlMs / 1000} s`,
    { hint: 'memcached keeps whole seconds, by a clock that moves once a second', settings: ['ttl'] },
  );
}

/** @throws UsageError for a timeout or minimum hold, ms, that memcached would take for a date */
export function checkSpan(setting: 'ttl' | 'hold', ms: number): void {
  if (holdSeconds(ms) <= LONGEST_SECONDS) return;
  const what = setting === 'ttl' ? 'a session timeout' : 'a minimum hold';
  throw new UsageError(
    `expected ${what} of less than 30 days with memcached, got ${Math.round(ms / 1000)} s`,
    { settings: [setting] },
  );
}

/**
 * How much too old a server may say that it is: it begins at two seconds (memcached.c sets `process_started` two seconds
 * back), and a step of whole seconds is up to one too many.
 */
const UPTIME_AHEAD_MS = 3000;

/**
 * How long, ms, to wait until a server can have forgotten no lock that still binds: one that was restarted has lost
 * them all, while their holders go on until their deadlines. 0 when it is old enough.
 * @param uptimeSeconds what it says in its statistics
 * @param sinceMs how long ago that was received
 * @param bindsMs how long a lock binds after its last renewal: the timeout, or the minimum hold if that is longer.
 *   Known of our own claim only: all contenders must agree on these
 */
export function unsettledMs(uptimeSeconds: number, sinceMs: number, bindsMs: number): number {
  return Math.max(0, bindsMs - (uptimeSeconds * 1000 - UPTIME_AHEAD_MS + sinceMs));
}

/** Tells {@link unsettledMs}; a twin that trusts every server shows what that is for. */
export type Unsettled = typeof unsettledMs;
