import type { Farewell, TlsMaterial } from '../../child/child.js';
import { atMost, orAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import { SessionLostError } from '../../util/errors.js';
import type { LeaseBudget } from '../../util/lease-deadline.js';
import type { Log } from '../../util/log.js';
import { randomId } from '../../util/random-id.js';
import { checkClaim, checkResource } from '../claim.js';
import type { Claim, Contender, Lease, LockBackend, Traits } from '../contract.js';
import { redisTraits } from '../traits.js';
import { TtlLease } from '../ttl-lease.js';
import { UnderWay } from '../under-way.js';
import { type Grant, grantLock } from './acquire.js';
import type { Place } from './contend.js';
import { farewellBytes, taken } from './farewell.js';
import { Keeper } from './keep.js';
import { type Keys, keysOf } from './keys.js';
import { leaveAll } from './leave.js';
import type { Master } from './master.js';
import type { Masters } from './masters.js';
import type { Notices } from './notices.js';
import { lookAt, merge, type View } from './onlookers.js';
import { evidenceOf, ownsOn, resourceOf } from './ownership.js';
import { Teller } from './teller.js';
import { redisBudget, safeUptimeS } from './timing.js';

/** How long a closing backend may take to give back what it has, ms. */
const TIDY_LIMIT_MS = 500;

/** What a session knows of where it is. */
export interface RedisSession {
  readonly masters: Masters;
  readonly notices: Notices;
  /** Without credentials. */
  readonly url: string;
  readonly ttlMs: number;
  /** How long one who does not want to wait for the lock waits for the servers, ms. */
  readonly connectLimitMs: number;
  /** How a survivor comes to the masters. */
  readonly doors: readonly Door[];
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
  readonly #underWay = new UnderWay();
  /** Who contends, and who holds. */
  readonly #places = new Set<Place>();

  constructor(session: RedisSession) {
    this.#session = session;
    this.traits = redisTraits(session.masters.all.length);
  }

  get farewells(): readonly Farewell[] {
    const places = [...this.#places];
    if (places.length === 0) return [];
    return this.#session.doors.map(({ host, port, tls, ...login }) => ({
      addresses: [{ host, port }],
      bytes: farewellBytes({ ...login, places }),
      taken: taken(places.length),
      ...(tls === undefined ? {} : { tls }),
    }));
  }

  async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
    const lease = await this.#grant(claim, true, signal);
    if (lease === undefined) throw new Error('a wait without a limit ended without a grant');
    return lease;
  }

  tryAcquire(claim: Claim, signal: AbortSignal): Promise<Lease | undefined> {
    return this.#grant(claim, false, signal);
  }

  async contenders(resource: string, signal: AbortSignal): Promise<readonly Contender[]> {
    checkResource(resource);
    return this.#merge(await this.#look(keysOf(resource), signal));
  }

  async owns(evidence: string, signal: AbortSignal): Promise<boolean> {
    const views = await this.#look(keysOf(resourceOf(evidence)), signal);
    return ownsOn(views, this.#session.masters.majority, evidence);
  }

  /** Gives everything back, as far as that goes in half a second, and leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { masters, notices, clock } = this.#session;
    const closed = this.#underWay.close(new SessionLostError('the session was closed'));
    await atMost(TIDY_LIMIT_MS, clock, closed);
    notices.close();
    masters.close();
  }

  #look(keys: Keys, signal: AbortSignal): Promise<readonly View[]> {
    const { masters, clock } = this.#session;
    return this.#underWay.within(signal, (either) => masters.insist(lookOf({ keys }), clock, either));
  }

  #merge(views: readonly View[]): readonly Contender[] {
    const owners = new Set([...this.#places].map(({ owner }) => owner));
    return merge(views, this.#session.masters.majority, (owner) => owners.has(owner));
  }

  async #grant(claim: Claim, wait: boolean, signal: AbortSignal): Promise<Lease | undefined> {
    checkClaim(claim, this.traits);
    signal.throwIfAborted();
    this.#underWay.closing.throwIfAborted();
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
    return this.#underWay.within(signal, (either) => this.#contend(claim, place, budget, wait, either));
  }

  async #contend(
    claim: Claim,
    place: Place,
    budget: LeaseBudget,
    wait: boolean,
    signal: AbortSignal,
  ): Promise<Lease | undefined> {
    const { masters, clock } = this.#session;
    const teller = new Teller(claim, async (within) =>
      this.#merge(await masters.glance(lookOf(place), within)),
    );
    let lease: Lease | undefined;
    try {
      const grant = await grantLock(this.#session, place, budget, wait ? teller : undefined, signal);
      // Who closes the session, or leaves, between the answer and here has seen no lease that it could give back.
      signal.throwIfAborted();
      if (grant !== undefined) lease = this.#lease(claim, place, budget, grant);
      return lease;
    } finally {
      if (lease === undefined) {
        await leaveAll(masters, place, 'cancel', clock, this.#underWay.closing);
        this.#places.delete(place);
      }
    }
  }

  #lease(claim: Claim, place: Place, budget: LeaseBudget, grant: Grant): Lease {
    const { masters, url, clock, log } = this.#session;
    const released = new AbortController();
    const keeper = new Keeper(masters, place, released.signal, log);
    const lease: Lease = new TtlLease({
      budget,
      sentAt: grant.sentAt,
      fencingToken: grant.token,
      evidence: evidenceOf(url, place, claim.resource),
      clock,
      log,
      renew: (late) => orAborted(keeper.renew(), late),
      giveBack: async () => {
        released.abort();
        await leaveAll(masters, place, 'release', clock, this.#underWay.closing);
        this.#places.delete(place);
        this.#underWay.delete(lease);
      },
    });
    this.#underWay.add(lease);
    return lease;
  }
}

function lookOf({ keys }: Pick<Place, 'keys'>): (master: Master) => Promise<View> {
  return (master) => lookAt(master, keys);
}
