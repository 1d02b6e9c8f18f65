import { whenAborted } from '../../util/abort.js';
import { SessionLostError, UsageError } from '../../util/errors.js';
import { checkClaim, checkResource } from '../claim.js';
import type { Claim, Contender, Lease, LockBackend } from '../contract.js';
import { MEMORY_TRAITS } from '../traits.js';
import { MemoryService } from './service.js';

export { MemoryService };

/** One session with a {@link MemoryService}. */
export class MemoryBackend implements LockBackend {
  /** All but the handover delay. */
  readonly traits = MEMORY_TRAITS;
  readonly #service: MemoryService;
  #disposed = false;

  /** @param service all sessions with one service exclude each other, and nobody else */
  constructor(service: MemoryService) {
    this.#service = service;
  }

  /** None: what a process holds in its memory ends with it. */
  get farewells(): LockBackend['farewells'] {
    return [];
  }

  async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
    const place = this.#enter(claim, signal);
    // It may have aborted by now: `onQueue` is called while we take our place.
    const forget = whenAborted(signal, () => place.leave(signal.reason));
    try {
      const lease = await place.lease;
      // The grant and the abort may both have come before we were called back.
      if (signal.aborted) throw signal.reason;
      return lease;
    } finally {
      forget();
    }
  }

  async tryAcquire(claim: Claim, signal: AbortSignal): Promise<Lease | undefined> {
    // Nobody is told of a queue that we do not stand in.
    const { onQueue: _, ...silent } = claim;
    const place = this.#enter(silent, signal);
    if (place.holding) return place.lease;
    place.lease.catch(() => {});
    place.leave(undefined);
    return undefined;
  }

  async contenders(resource: string, signal: AbortSignal): Promise<readonly Contender[]> {
    signal.throwIfAborted();
    checkResource(resource);
    return this.#service.contenders(resource, this);
  }

  async owns(): Promise<boolean> {
    throw new UsageError(
      'a lock in the memory of one process: expected nobody else to ask for it, got evidence',
    );
  }

  /** Ends the session: its leases are lost, its waiters reject. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#service.expire(this);
  }

  #enter(claim: Claim, signal: AbortSignal) {
    signal.throwIfAborted();
    if (this.#disposed) throw new SessionLostError('the session has ended; open another');
    checkClaim(claim, this.traits);
    return this.#service.enter(claim, this);
  }
}
