import { UsageError } from '../../util/errors.js';
import type { LeaseBudget } from '../../util/lease-deadline.js';
import { SIGNS_PER_TTL } from './signs-of-life.js';

/*
 * The time line of a ZooKeeper lease, by the session timeout T that was really negotiated.
 *
 * A renewal is an acknowledged write, one every h = T/12. The leader counts our silence from no earlier than the
 * send time of the last acknowledged one, less what it may not have heard of yet: a follower tells it of its sessions'
 * signs of life with its answer to the leader's ping, every half tick, and T is at least two ticks, so T/4 at most; and
 * the sign before that came up to h earlier (`signs-of-life.ts` sees to those that came later than that). Hence nobody else is granted the
 * lock before `sent + T - T/4 - h`, and that, 2T/3, is when the tree has to be dead. `docs/design.md` has the
 * drawing and the measurements.
 */

/** What the kill itself may take. 250 ms kills 500 processes here with time to spare; T/12 keeps short timeouts usable. */
const KILL_MARGIN_MS = 250;

/**
 * @param ttlMs session timeout, ms, negotiated or (to refuse early) asked for
 * @param lossGraceMs wanted time between stop signal and SIGKILL when the lease is being lost; T/6 if undefined
 * @throws UsageError when the grace leaves no room in which a late renewal could be ridden out
 */
export function leaseBudget(ttlMs: number, lossGraceMs: number | undefined): LeaseBudget {
  const renewEveryMs = ttlMs / SIGNS_PER_TTL;
  const deadlineAfterMs = (ttlMs * 3) / 4 - renewEveryMs;
  const marginMs = Math.max(ttlMs / 60, Math.min(renewEveryMs, KILL_MARGIN_MS));
  const killAfterMs = deadlineAfterMs - marginMs;
  const graceMs = lossGraceMs ?? ttlMs / 6;
  const stopAfterMs = killAfterMs - graceMs;
  const rideOutMs = stopAfterMs - renewEveryMs;
  if (rideOutMs < renewEveryMs) {
    const most = killAfterMs - 2 * renewEveryMs;
    throw new UsageError(
      `--loss-grace ${seconds(graceMs)} does not fit into a session timeout of ${seconds(ttlMs)}: ` +
        `all must be dead ${seconds(deadlineAfterMs)} after the last renewal`,
      { hint: `a --loss-grace of at most ${seconds(most)}, or a longer --timeout (-T)` },
    );
  }
  return { ttlMs, renewEveryMs, rideOutMs, stopAfterMs, killAfterMs, deadlineAfterMs };
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(2))} s`;
}
