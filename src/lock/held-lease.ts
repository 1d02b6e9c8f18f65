import type { Lease } from '../backend/contract.js';
import { whenAborted } from '../util/abort.js';
import type { Clock } from '../util/clock.js';
import { LeaseLostError } from '../util/errors.js';

/** A permit that is ours, from the grant until it is given back or lost. */
export class HeldLease implements AsyncDisposable {
  readonly #lease: Lease;
  readonly #clock: Clock;
  readonly #ended: () => void;
  readonly #loss = new AbortController();
  readonly #forget: () => void;
  #released: Promise<void> | undefined;

  /** @param ended called once, when it was given back */
  constructor(lease: Lease, clock: Clock, ended: () => void) {
    this.#lease = lease;
    this.#clock = clock;
    this.#ended = ended;
    this.#forget = whenAborted(lease.lost, () => this.#loss.abort(lease.lost.reason));
  }

  /**
   * Grows with every grant of the lock, whoever gets it. What the lock protects can refuse whoever comes with a smaller one
   * than it has seen: that alone helps against a host that was paused. `undefined` where the service has none.
   */
  get fencingToken(): bigint | undefined {
    return this.#lease.fencingToken;
  }

  /**
   * Aborts once, when the lease is lost or about to be, early enough to end the work in; the reason is a `LeaseLostError`,
   * whose `remainingMs` says how long that may take. It cannot abort while the event loop is blocked: ask `owned`.
   */
  get lost(): AbortSignal {
    return this.#loss.signal;
  }

  /**
   * Whether the lease is ours, asked of the clock: after a freeze of this process, or a blocked event loop, it is false
   * before `lost` has aborted. Ask right before every step that needs the lock. False once given back.
   */
  get owned(): boolean {
    if (this.released || this.#loss.signal.aborted) return false;
    if (!this.#lease.isLost()) return true;
    // A backend of somebody's own need not abort `lost` when it is asked.
    if (!this.#loss.signal.aborted) this.#loss.abort(this.#overdue());
    return false;
  }

  /** Whether it was given back. */
  get released(): boolean {
    return this.#released !== undefined;
  }

  /** Milliseconds until another may hold the lock if the service falls silent now; `Infinity` where silence cannot lose it. */
  get remainingMs(): number {
    return this.owned ? Math.max(0, this.#lease.deadline() - this.#clock.now()) : 0;
  }

  /** Gives the permit back: resolves when the next one can have it. Never rejects; twice is safe, after a loss, too. */
  release(): Promise<void> {
    this.#forget();
    this.#released ??= this.#lease.release().finally(this.#ended);
    return this.#released;
  }

  /** What it was held for has to end now, though the service knows nothing of that. */
  lose(message: string): void {
    if (this.owned) this.#loss.abort(new LeaseLostError('expired', message, 0));
  }

  /** As `release`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #overdue(): LeaseLostError {
    const remainingMs = this.#lease.deadline() - this.#clock.now();
    return new LeaseLostError('silence', 'the lock service acknowledged no renewal in time', remainingMs);
  }
}
