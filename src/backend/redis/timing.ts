import type { LeaseBudget } from '../../util/lease-deadline.js';
import { keyBudget } from '../lease-budget.js';

/** Redis counts whole milliseconds. */
const STEP_MS = 1;

/**
 * The time line of a lock on redis.
 * @throws UsageError when the grace does not fit
 */
export function redisBudget(ttlMs: number, lossGraceMs: number | undefined): LeaseBudget {
  return keyBudget(ttlMs, STEP_MS, lossGraceMs);
}

/** However long the timeout is, nobody waits longer than this for an answer, ms. */
const LONGEST_SILENCE_MS = 60_000;

/** How long a server may leave a request unanswered before the connection counts as dead, ms. */
export function silenceMs(ttlMs: number): number {
  return Math.min(Math.max(200, ttlMs / 6), LONGEST_SILENCE_MS);
}

/** However long the timeout is, a release of which a waiter was not told is seen within this, ms. */
const LONGEST_REST_MS = 10_000;

/** Waiters look, and show that they live, so often, ms. */
export function lookEveryMs(ttlMs: number): number {
  return Math.min(ttlMs / 4, LONGEST_REST_MS);
}

/** The uptime, in whole seconds as a server tells it, from which on it has been up for longer than the ttl. */
export function safeUptimeS(ttlMs: number): number {
  return Math.ceil(ttlMs / 1000) + 1;
}
