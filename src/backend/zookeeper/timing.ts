import type { LeaseBudget } from '../../util/lease-deadline.js';
import { budgetFrom, SIGNS_PER_TTL } from '../lease-budget.js';

/**
 * The time line of a ZooKeeper lease, by the session timeout T.
 *
 * A renewal is an acknowledged write, one every h = T/12. The leader counts our silence from no earlier than the
 * send time of the last acknowledged one, less what it may not have heard of yet: a follower tells it of its sessions'
 * signs of life with its answer to the leader's ping, every half tick, and T is at least two ticks, so T/4 at most; and
 * the sign before that came up to h earlier (`signs-of-life.ts` sees to those that came later than that). Hence nobody
 * else is granted the lock before `sent + T - T/4 - h`, and that, 2T/3, is when the tree has to be dead.
 * `docs/design.md` has the drawing and the measurements.
 *
 * @param ttlMs session timeout, ms, negotiated or (to refuse early) asked for
 * @param lossGraceMs wanted time between stop signal and SIGKILL when the lease is being lost; T/6 if undefined
 * @throws UsageError when the grace leaves no room in which a late renewal could be ridden out
 */
export function leaseBudget(ttlMs: number, lossGraceMs: number | undefined): LeaseBudget {
  return budgetFrom({ ttlMs, safeForMs: (ttlMs * 3) / 4 - ttlMs / SIGNS_PER_TTL }, lossGraceMs);
}
