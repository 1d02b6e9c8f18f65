import { UsageError } from '../util/errors.js';
import type { LeaseBudget } from '../util/lease-deadline.js';

/** Renewals are sent, and waiters show that they live, so often a timeout. */
export const SIGNS_PER_TTL = 12;

/** What the kill itself may take. 250 ms kills 500 processes here with time to spare; T/12 keeps short timeouts usable. */
const KILL_MARGIN_MS = 250;

/** The two spans that a service promises, both from the send time of an acknowledged renewal, ms. */
export interface Promised {
  /** The timeout after which it takes the permit back. */
  readonly ttlMs: number;
  /** Before this it grants the permit to nobody else. */
  readonly safeForMs: number;
}

/**
 * The time line of a lease, by what its service promises.
 * @param lossGraceMs wanted time between stop signal and SIGKILL when the lease is being lost; T/6 if undefined
 * @throws UsageError when the grace leaves no room in which a late renewal could be ridden out
 */
export function budgetFrom({ ttlMs, safeForMs }: Promised, lossGraceMs: number | undefined): LeaseBudget {
  const renewEveryMs = ttlMs / SIGNS_PER_TTL;
  const marginMs = Math.max(ttlMs / 60, Math.min(renewEveryMs, KILL_MARGIN_MS));
  const killAfterMs = safeForMs - marginMs;
  const graceMs = lossGraceMs ?? ttlMs / 6;
  const stopAfterMs = killAfterMs - graceMs;
  const rideOutMs = stopAfterMs - renewEveryMs;
  if (rideOutMs < renewEveryMs) {
    const most = killAfterMs - 2 * renewEveryMs;
    if (lossGraceMs === undefined) {
      throw new UsageError(
        `expected a longer session timeout for this lock service, got ${seconds(ttlMs)}: nothing is left of it to ride out a late answer`,
        { settings: ['ttl'] },
      );
    }
    throw new UsageError(
      `a loss grace of ${seconds(graceMs)} does not fit into a session timeout of ${seconds(ttlMs)}: ` +
        `all must be dead ${seconds(safeForMs)} after the last renewal`,
      {
        hint:
          most > 0
            ? `choose a loss grace of at most ${seconds(most)}, or a longer session timeout`
            : 'choose a longer session timeout',
        settings: most > 0 ? ['lossGrace', 'ttl'] : ['ttl'],
      },
    );
  }
  return { ttlMs, renewEveryMs, rideOutMs, stopAfterMs, killAfterMs, deadlineAfterMs: safeForMs };
}

/** Two clocks that count the same second differ by less than this part of it: quartz is a hundred times better. */
const CLOCK_RATE = 1 / 50;

/**
 * The time line of a lease that is a key with a time to live. The service counts from when the renewal came, which is
 * after it was sent; what is taken off is for clocks that run at different speeds, and for a service that counts in
 * coarse steps.
 * @param ttlMs time to live, ms
 * @param stepMs how much too early, ms, the service may drop a key
 * @param lossGraceMs as of `Claim`; a sixth of `ttlMs` if undefined
 * @throws UsageError when the grace leaves no room in which a late renewal could be ridden out
 */
export function keyBudget(ttlMs: number, stepMs: number, lossGraceMs: number | undefined): LeaseBudget {
  return budgetFrom({ ttlMs, safeForMs: ttlMs - ttlMs * CLOCK_RATE - stepMs }, lossGraceMs);
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(2))} s`;
}
