import type { LeaseBudget } from '../util/lease-deadline.js';

/** What an operator wants to know of a lease, in numbers: the silence it survives, and what happens after it. */
export function budgetText({
  rideOutMs,
  stopAfterMs,
  killAfterMs,
  deadlineAfterMs,
  ttlMs,
}: LeaseBudget): string {
  return (
    `rides out ${seconds(rideOutMs)} without an answer, then stops the command within ${seconds(killAfterMs - stopAfterMs)}; ` +
    `all dead ${seconds(deadlineAfterMs)} after the last answer; another takes over ${seconds(ttlMs)} after it, or soon after`
  );
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(2))} s`;
}
