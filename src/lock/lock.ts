import type { Claim, Contender } from '../backend/contract.js';
import { firstOf } from '../util/abort.js';
import type { Duration } from '../util/duration.js';
import { LockNotAcquiredError, UsageError } from '../util/errors.js';
import { contend, type Ring } from './contend.js';
import type { HeldLease } from './held-lease.js';
import { optionalMs } from './options.js';
import { workUnder } from './work-under.js';

/** What one who asks once can say. */
export interface TryOptions {
  /** Gives up: what was asked for rejects with its reason, and leaves no contender behind. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Minimum hold: for so long from the grant on nobody else is granted this permit, however the lease ends. Not with every
   * service.
   */
  readonly hold?: Duration | undefined;
}

/** How to wait for a lock. */
export interface AcquireOptions extends TryOptions {
  /** How long to wait, the first connection included; as `connect` was told if absent, and 0 for not at all. */
  readonly timeout?: Duration | undefined;
  /**
   * Called when the wait begins, and again each time the holders or our place in line are seen to change. What it throws ends
   * the wait.
   */
  readonly onQueue?: ((contenders: readonly Contender[]) => void) | undefined;
}

/** What a lock is made from. */
export interface LockPlace extends Ring {
  readonly claim: Claim;
  readonly timeoutMs: number | undefined;
  /** Work under way that has to be over before all is closed. */
  readonly works: Set<Promise<unknown>>;
}

/**
 * A lock, a permit of a semaphore, or a reader's lock: one contender for it. Two objects of one name exclude each other, in
 * one program as on two hosts; one object cannot be acquired a second time while it is held.
 */
export class Lock implements AsyncDisposable {
  readonly #place: LockPlace;
  #contending: AbortController | undefined;
  #held: HeldLease | undefined;

  /** Made by `Locks`. */
  constructor(place: LockPlace) {
    this.#place = place;
  }

  /** Where it is: `namespace/name`. */
  get resource(): string {
    return this.#place.claim.resource;
  }

  /** Whether it is held by this object, asked of the clock: as `HeldLease.owned`. */
  get owned(): boolean {
    return this.#held?.owned ?? false;
  }

  /** As `HeldLease.fencingToken`, until the lease is given back; after a loss, too, so that it can be refused. */
  get fencingToken(): bigint | undefined {
    return this.#held?.released === false ? this.#held.fencingToken : undefined;
  }

  /**
   * Of the lease that was acquired last: as `HeldLease.lost`.
   * @throws UsageError before the first one: a signal that never aborts would be a lie
   */
  get lost(): AbortSignal {
    if (this.#held === undefined) throw this.#misuse('that was acquired', 'that never was');
    return this.#held.lost;
  }

  /**
   * Waits for the lock. A lease that was lost before is given back first.
   * @throws LockTimeoutError when it did not become free in time; with a timeout of 0, LockNotAcquiredError
   * @returns the lease; this object has the same, until the next one
   * @throws SessionLostError when the session with the service ended while waiting: the place in line is gone. The next
   *   `acquire` opens another.
   * @throws ServiceUnreachableError, NotPermittedError, WrongKindError; the reason of `signal`; what `onQueue` throws
   * @throws UsageError when this object holds it, or waits for it, already; or for what the service cannot do
   */
  async acquire(options: AcquireOptions = {}): Promise<HeldLease> {
    const timeoutMs = optionalMs('timeout', options.timeout, 0) ?? this.#place.timeoutMs;
    const lease = await this.#take(options, timeoutMs);
    if (lease === undefined) throw new LockNotAcquiredError(`not free: ${this.resource}`);
    return lease;
  }

  /**
   * Takes the lock if it is free now; otherwise `undefined`.
   * @throws as `acquire`, but no LockTimeoutError
   */
  tryAcquire(options: TryOptions = {}): Promise<HeldLease | undefined> {
    return this.#take(options, 0);
  }

  /** Gives the lock back: resolves when the next one can have it. Nothing happens when it is not held. Never rejects. */
  async release(): Promise<void> {
    await this.#held?.release();
  }

  /**
   * Whether anybody holds it, as of a moment between the call and the answer; also whether a minimum hold keeps it. Of a
   * semaphore: whether anybody holds a permit. It takes as long as the service does to answer: `signal` ends that.
   * @throws ServiceUnreachableError, NotPermittedError, SessionLostError; the reason of `signal`
   */
  async locked(options: Pick<TryOptions, 'signal'> = {}): Promise<boolean> {
    return (await this.contenders(options)).some(({ state }) => state === 'holding');
  }

  /**
   * Who holds it, and who waits for it, in order, as far as the service knows. Not promised: that all of it was so at one
   * instant.
   * @throws as `locked`
   */
  async contenders({ signal }: Pick<TryOptions, 'signal'> = {}): Promise<readonly Contender[]> {
    const { sessions } = this.#place;
    const either = firstOf([sessions.closing, signal]);
    try {
      const { value, leave } = await sessions.within(
        (backend) => backend.contenders(this.resource, either.signal),
        () => true,
        either.signal,
      );
      leave();
      return value;
    } finally {
      either.end();
    }
  }

  /**
   * Runs `work` under the lock, and gives it back when that has settled. The work has to heed `lease.lost`: nothing else
   * keeps it from running beside the next holder's.
   * @returns what the work returned
   * @throws LeaseLostError when the lease was lost meanwhile, once the work has settled; what the work threw is its `cause`
   * @throws what `acquire` throws, and what the work throws
   */
  async hold<T>(work: (lease: HeldLease) => Promise<T> | T, options: AcquireOptions = {}): Promise<T> {
    const lease = await this.acquire(options);
    // Not begun before it is known as work under way: it may close the locks as the first thing that it does.
    const working = Promise.resolve().then(() => workUnder(lease, work));
    const { works } = this.#place;
    works.add(working);
    try {
      return await working;
    } finally {
      works.delete(working);
      const released = lease.release();
      // To give back what was lost may take until the service answers again: nobody has a use for that.
      if (!lease.lost.aborted) await released;
    }
  }

  /** Gives the lock back, or stops waiting for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#contending?.abort(new LockNotAcquiredError(`given up: ${this.resource}`));
    await this.release();
  }

  async #take(options: AcquireOptions, timeoutMs: number | undefined): Promise<HeldLease | undefined> {
    if (this.#contending !== undefined) throw this.#misuse('that is not in use', 'that is being acquired');
    if (this.owned) throw this.#misuse('that is not in use', 'that holds its lock');
    const contending = new AbortController();
    this.#contending = contending;
    try {
      const once = timeoutMs === 0;
      const wish = {
        once,
        timeoutMs: once ? undefined : timeoutMs,
        signals: [contending.signal, options.signal],
        after: this.#held?.release(),
      };
      const lease = await contend(this.#place, this.#claimFor(options), wish);
      this.#held = lease ?? this.#held;
      // Disposed of between the grant and this: whoever did so looked for a lease, and found none.
      if (contending.signal.aborted) {
        await this.release();
        throw contending.signal.reason;
      }
      return lease;
    } finally {
      this.#contending = undefined;
    }
  }

  #claimFor({ hold, onQueue }: AcquireOptions): Claim {
    const holdMs = optionalMs('hold', hold, 0);
    return {
      ...this.#place.claim,
      ...(holdMs === undefined ? {} : { holdMs }),
      ...(onQueue === undefined ? {} : { onQueue }),
    };
  }

  #misuse(expected: string, got: string): UsageError {
    return new UsageError(`${this.resource}: expected a lock object ${expected}, got one ${got}`, {
      hint: 'one object is one contender: make another by lock(), semaphore() or shared()',
    });
  }
}
