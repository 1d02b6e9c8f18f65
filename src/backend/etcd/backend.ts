import type { Farewell } from '../../child/child.js';
import { atMost, firstOf } from '../../util/abort.js';
import { NotPermittedError, SessionLostError } from '../../util/errors.js';
import { checkClaim, checkResource } from '../claim.js';
import type { Claim, Contender, Lease, LockBackend } from '../contract.js';
import { keyBudget } from '../lease-budget.js';
import { ETCD_TRAITS } from '../traits.js';
import { type Renewal, TtlLease } from '../ttl-lease.js';
import { UnderWay } from '../under-way.js';
import { plainly } from './failure.js';
import { directoryOf, endOf } from './keys.js';
import { contendersOf } from './line.js';
import { look, readLine } from './look.js';
import { evidenceOf, owns } from './ownership.js';
import { Place, PlaceDeletedError } from './place.js';
import type { Session } from './session.js';
import { standInLine } from './stand.js';
import { follow } from './watch.js';

/** How long a closing backend may take to leave its lines, ms: who is told to stop is out within a second. */
const TIDY_LIMIT_MS = 500;

/** How often a place in line that somebody deleted is taken again before that counts as the failure it is. */
const PLACES_PER_ACQUIRE = 10;

export interface EtcdBackendOptions {
  /** `''`, or a path without a trailing slash. */
  readonly prefix: string;
  /** Where to ask whether a lease is still held; without credentials. */
  readonly url: string;
  /** What a survivor deletes these keys with. */
  readonly farewells: (keys: readonly string[]) => readonly Farewell[];
}

/**
 * Locks and semaphores on etcd, by its concurrency recipe: each claim is a key on an etcd lease of its own, and the create
 * revisions of the keys are the order in which they are served.
 */
export class EtcdBackend implements LockBackend {
  readonly traits = ETCD_TRAITS;
  readonly #session: Session;
  readonly #options: EtcdBackendOptions;
  readonly #underWay = new UnderWay();
  /** Places in line and permits, as long as their etcd leases may be there. */
  readonly #places = new Set<Place>();

  constructor(session: Session, options: EtcdBackendOptions) {
    this.#session = session;
    this.#options = options;
  }

  get farewells(): readonly Farewell[] {
    return this.#options.farewells([...this.#places].map(({ key }) => key));
  }

  async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
    const lease = await this.#grant(claim, true, signal);
    if (lease === undefined) throw new Error('a wait without a limit ended without a grant');
    return lease;
  }

  async tryAcquire(claim: Claim, signal: AbortSignal): Promise<Lease | undefined> {
    return this.#grant(claim, false, signal);
  }

  async contenders(resource: string, signal: AbortSignal): Promise<readonly Contender[]> {
    checkResource(resource);
    const directory = directoryOf(this.#options.prefix, resource);
    const { keys } = await look(this.#session, { key: directory, end: endOf(directory) }, signal);
    const ours = new Set([...this.#places].map(({ id }) => id));
    return contendersOf(readLine(directory, keys), (id) => ours.has(id));
  }

  owns(evidence: string, signal: AbortSignal): Promise<boolean> {
    return owns(this.#session, evidence, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new SessionLostError('the session was closed');
    await atMost(TIDY_LIMIT_MS, this.#session.clock, this.#underWay.close(reason));
    this.#session.close(reason);
  }

  #grant(claim: Claim, wait: boolean, signal: AbortSignal): Promise<Lease | undefined> {
    return this.#underWay.within(signal, (either) => this.#contend(claim, wait, either));
  }

  async #contend(claim: Claim, wait: boolean, signal: AbortSignal): Promise<Lease | undefined> {
    checkClaim(claim, this.traits);
    signal.throwIfAborted();
    // Before anybody is kept waiting for a lease that could not be held.
    keyBudget(this.#session.ttlMs, 0, claim.lossGraceMs);
    for (let attempt = 1; ; attempt += 1) {
      const place = new Place(this.#session, directoryOf(this.#options.prefix, claim.resource), claim);
      this.#places.add(place);
      try {
        const ours = await standInLine(this.#session, place, claim, wait, signal);
        if (ours) return this.#leaseOf(place, claim);
        await this.#leave(place);
        return undefined;
      } catch (error) {
        await this.#leave(place).catch(() => {});
        if (!(error instanceof PlaceDeletedError)) throw error;
        if (attempt === PLACES_PER_ACQUIRE) {
          const hint = 'who deletes keys under the lock path?';
          throw new SessionLostError(error.message, { cause: error, hint });
        }
        this.#session.log.warn({ attempt }, `${error.message}; joining the queue again, at its end`);
      }
    }
  }

  #leaseOf(place: Place, claim: Claim): Lease {
    const { clock, log } = this.#session;
    const ended = new AbortController();
    const lease = new TtlLease({
      budget: keyBudget(place.ttlMs, 0, claim.lossGraceMs),
      sentAt: place.renewedAt,
      fencingToken: place.revision,
      evidence: evidenceOf(this.#options.url, place),
      clock,
      log,
      renew: this.#renewing(place),
      giveBack: async () => {
        ended.abort();
        this.#underWay.delete(lease);
        await this.#leave(place);
      },
    });
    this.#underWay.add(lease);
    const either = firstOf([ended.signal, this.#underWay.closing]);
    void this.#noticeDeletion(place, lease, either.signal).finally(either.end);
    return lease;
  }

  /** Who is refused loses the lease in the end, by silence. Why is told before, once. */
  #renewing(place: Place): () => Promise<Renewal> {
    let told = false;
    return async () => {
      try {
        const renewal = await place.renew();
        told = false;
        return renewal;
      } catch (error) {
        if (error instanceof NotPermittedError && !told) {
          told = true;
          this.#session.log.warn({}, `the lock is not renewed, and will be lost: ${error.message}`);
        }
        throw new Error(plainly(error), { cause: error });
      }
    };
  }

  /** A renewal would notice it, too, but not within milliseconds. */
  async #noticeDeletion(place: Place, lease: TtlLease, signal: AbortSignal): Promise<void> {
    const range = { key: place.key };
    try {
      await follow(
        this.#session,
        range,
        await look(this.#session, range, signal),
        (keys) => !place.isOurs(keys.get(place.key)),
        signal,
      );
    } catch (error) {
      if (!signal.aborted) this.#session.log.debug({ error: String(error) }, 'the lock’s key is not watched');
      return;
    }
    lease.lose('deleted', `${place.key} was deleted, or its etcd lease has ended`);
  }

  async #leave(place: Place): Promise<void> {
    try {
      await place.leave();
    } finally {
      this.#places.delete(place);
    }
  }
}
