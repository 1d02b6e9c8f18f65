import { orAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import type { LeaseBudget } from '../../util/lease-deadline.js';
import type { Log } from '../../util/log.js';
import { contend, type Place } from './contend.js';
import type { Masters } from './masters.js';
import type { Notices } from './notices.js';
import { isFinal, refuse } from './refusal.js';
import type { Teller } from './teller.js';
import { Patience } from './wait.js';

/** A lock that is ours. */
export interface Grant {
  /** When the request that got it was sent, monotonic ms: its time to live began no earlier. */
  readonly sentAt: number;
  readonly token: bigint | undefined;
}

export interface Surroundings {
  readonly masters: Masters;
  readonly notices: Notices;
  /** How long one who does not want to wait for the lock waits for the servers, ms. */
  readonly connectLimitMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Tries until the lock is ours. Whoever calls takes away what is left of us when it is not.
 * @param teller tells of those we wait for; without one, there is no waiting
 * @returns `undefined` when it is another's and we do not wait
 * @throws NotPermittedError; ServiceUnreachableError when we do not wait and nobody can say; the reason of `signal`
 */
export async function grantLock(
  { masters, notices, connectLimitMs, clock, log }: Surroundings,
  place: Place,
  budget: LeaseBudget,
  teller: Teller | undefined,
  signal: AbortSignal,
): Promise<Grant | undefined> {
  const startedAt = clock.now();
  const patience = new Patience(place.keys.channel, notices, place.ttlMs, clock, log);
  try {
    for (let tries = 1; ; tries += 1) {
      const sentAt = clock.now();
      const attempt = await orAborted(contend(masters, place, teller !== undefined, signal), signal);
      if (attempt.how === 'granted') {
        // One that took too long to come is asked for anew: it is ours, and its time counts from then.
        if (clock.now() - sentAt >= budget.rideOutMs) continue;
        return { sentAt, token: attempt.token };
      }
      const late = clock.now() - startedAt >= connectLimitMs;
      if (teller === undefined && isFinal(attempt, late, tries)) return refuse(attempt);
      await teller?.tell(signal);
      await patience.rest(attempt, signal);
    }
  } finally {
    patience.end();
  }
}
