import type { Farewell, TlsMaterial } from '../../child/child.js';
import { aborted, delay, orAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import { SessionLostError } from '../../util/errors.js';
import type { LeaseBudget } from '../../util/lease-deadline.js';
import type { Log } from '../../util/log.js';
import { randomId } from '../../util/random-id.js';
import { checkClaim, checkResource } from '../claim.js';
import type { Claim, Contender, Lease, LockBackend, Traits } from '../contract.js';
import { TtlLease } from '../ttl-lease.js';
import { contend, leaveAt, type Place } from './contend.js';
import { farewellBytes } from './farewell.js';
import { renewAll } from './keep.js';
import { type Keys, keysOf } from './keys.js';
import type { Masters } from './masters.js';
import type { Notices } from './notices.js';
import { lookAt, merge } from './onlookers.js';
import { evidenceOf, ownsOn, resourceOf } from './ownership.js';
import { isFinal, refuse } from './refusal.js';
import { Teller } from './teller.js';
import { redisBudget, safeUptimeS } from './timing.js';
import { Patience } from './wait.js';

/** How long a closing backend may take to give back what it has, ms. */
const TIDY_LIMIT_MS = 500;
/** Between two attempts to give a lock back, ms. */
const AGAIN_MS = 100;

/** What a session knows of where it is. */
export interface RedisSession {
  readonly masters: Masters;
  readonly notices: Notices;
  /** Without credentials. */
  readonly url: string;
  readonly ttlMs: number;
  /** How long one who does not want to wait for the lock waits for the servers, ms. */
  readonly connectLimitMs: number;
  /** How a survivor comes to the only master: `undefined` where there are several. */
  readonly door: Door | undefined;
  /** Seconds for which a server must have been up; only tests have another than {@link safeUptimeS}. */
  readonly minUptimeS?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Secret. */
export interface Door {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMaterial | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
}

/**
 * Locks on redis. One master is as good as its clock and its memory; several, independent of each other, grant by their
 * majority (https://redis.io/docs/latest/develop/use/patterns/distributed-locks/).
 *
 * All contenders are to have the same timeout: a server that was restarted grants nothing for as long as the timeout of
 * the one who asks, since it does not know that of the one it may have forgotten.
 */
export class RedisBackend implements LockBackend {
  readonly traits: Traits;
  readonly #session: RedisSession;
  readonly #closing = new AbortController();
  /** Who contends, and who holds. */
  readonly #places = new Set<Place>();
  /** What has to come to its end before the connections may. */
  readonly #claims = new Set<Promise<unknown>>();
  readonly #leases = new Set<Lease>();

  constructor(session: RedisSession) {
    this.#session = session;
    this.traits = {
      queue: 'race',
      fencing: session.masters.only !== undefined,
      shared: false,
      maxPermits: 1,
      waiters: true,
      handoverDelay: false,
      hold: true,
    };
  }

  get farewell(): Farewell | undefined {
    const { door } = this.#session;
    if (door === undefined || this.#places.size === 0) return undefined;
    const bytes = farewellBytes({ ...door, places: [...this.#places] });
    const { host, port, tls } = door;
    return { addresses: [{ host, port }], bytes, ...(tls === undefined ? {} : { tls }) };
  }

  async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
    const lease = await this.#grant(claim, true, signal);
    if (lease === undefined) throw new Error('a wait without a limit ended without a grant');
    return lease;
  }

  tryAcquire(claim: Claim, signal: AbortSignal): Promise<Lease | undefined> {
    return this.#grant(claim, false, signal);
  }

  contenders(resource: string, signal: AbortSignal): Promise<readonly Contender[]> {
    checkResource(resource);
    return this.#look(keysOf(resource), this.#orClosing(signal));
  }

  async owns(evidence: string, signal: AbortSignal): Promise<boolean> {
    const { masters, clock } = this.#session;
    const keys = keysOf(resourceOf(evidence));
    const views = await masters.insist((master) => lookAt(master, keys), clock, this.#orClosing(signal));
    return ownsOn(views, masters.majority, evidence);
  }

  /** Gives everything back, as far as that goes in half a second, and leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new SessionLostError('the session was closed'));
    const { masters, notices, clock } = this.#session;
    const given = Promise.allSettled([...this.#claims, ...[...this.#leases].map((lease) => lease.release())]);
    const limit = new AbortController();
    await Promise.race([given, delay(TIDY_LIMIT_MS, clock, limit.signal).catch(() => {})]);
    limit.abort();
    notices.close();
    masters.close();
  }

  #orClosing(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }

  async #look(keys: Keys, signal: AbortSignal): Promise<readonly Contender[]> {
    const { masters, clock } = this.#session;
    const views = await masters.insist((master) => lookAt(master, keys), clock, signal);
    const owners = new Set([...this.#places].map(({ owner }) => owner));
    return merge(views, masters.majority, (owner) => owners.has(owner));
  }

  async #grant(claim: Claim, wait: boolean, outer: AbortSignal): Promise<Lease | undefined> {
    checkClaim(claim, this.traits);
    const signal = this.#orClosing(outer);
    signal.throwIfAborted();
    const { ttlMs, minUptimeS = safeUptimeS(ttlMs) } = this.#session;
    // Before anybody is kept waiting for a lease that could not be held.
    const budget = redisBudget(ttlMs, claim.lossGraceMs);
    const { host, pid, command } = claim.identity;
    const place: Place = {
      keys: keysOf(claim.resource),
      owner: randomId(),
      who: JSON.stringify({ host, pid, command }),
      ttlMs,
      holdMs: claim.holdMs ?? 0,
      minUptimeS,
    };
    this.#places.add(place);
    const granting = this.#contend(claim, place, budget, wait, signal);
    this.#claims.add(granting);
    try {
      return await granting;
    } finally {
      this.#claims.delete(granting);
    }
  }

  async #contend(
    claim: Claim,
    place: Place,
    budget: LeaseBudget,
    wait: boolean,
    signal: AbortSignal,
  ): Promise<Lease | undefined> {
    const { masters, notices, clock, log } = this.#session;
    const startedAt = clock.now();
    const patience = new Patience(place.keys.channel, notices, place.ttlMs, clock, log);
    const teller = new Teller(claim, (within) => this.#look(place.keys, within));
    let lease: Lease | undefined;
    try {
      for (let tries = 1; ; tries += 1) {
        const sentAt = clock.now();
        const attempt = await orAborted(contend(masters, place, wait, signal), signal);
        if (attempt.how === 'granted') {
          // One that took too long to come is asked for anew: it is ours, and its time counts from then.
          if (clock.now() - sentAt >= budget.rideOutMs) continue;
          lease = this.#lease(claim, place, budget, sentAt, attempt.token);
          return lease;
        }
        const late = clock.now() - startedAt >= this.#session.connectLimitMs;
        if (!wait && isFinal(attempt, late, tries)) return refuse(attempt);
        if (wait && attempt.how !== 'unreachable') await teller.tell(signal);
        await patience.rest(attempt, signal);
      }
    } finally {
      patience.end();
      if (lease === undefined) await this.#leave(place, 'cancel');
    }
  }

  #lease(claim: Claim, place: Place, budget: LeaseBudget, sentAt: number, token: bigint | undefined): Lease {
    const { masters, url, clock, log } = this.#session;
    const released = new AbortController();
    const lease: Lease = new TtlLease({
      budget,
      sentAt,
      fencingToken: token,
      evidence: evidenceOf(url, place, claim.resource),
      clock,
      log,
      renew: (late) => orAborted(renewAll(masters, place, released.signal), late),
      giveBack: async () => {
        released.abort();
        await this.#leave(place, 'release');
        this.#leases.delete(lease);
      },
    });
    this.#leases.add(lease);
    return lease;
  }

  /**
   * Takes ours away on a majority. What cannot be reached is tried again until it has ended by itself, or the session is
   * closed: then there is one attempt.
   */
  async #leave(place: Place, how: 'release' | 'cancel'): Promise<void> {
    const { masters, clock } = this.#session;
    const endsAt = clock.now() + place.ttlMs;
    for (;;) {
      const answers = await masters.ask(
        (master) => leaveAt(master, place, how),
        (some) => some.filter((answer) => 'value' in answer).length >= masters.majority,
      );
      const done = answers.filter((answer) => 'value' in answer).length >= masters.majority;
      // Who leaves in haste, with nothing granted for all it knows, has its word to give and not the time to wait.
      if (done || how === 'cancel' || this.#closing.signal.aborted || clock.now() >= endsAt) break;
      await Promise.race([delay(AGAIN_MS, clock), aborted(this.#closing.signal)]);
    }
    this.#places.delete(place);
  }
}
