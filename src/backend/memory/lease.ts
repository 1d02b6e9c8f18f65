import type { LeaseLostError } from '../../util/errors.js';
import type { Lease } from '../contract.js';

/** A permit of a memory service. Silence cannot lose it: there is nobody to fall silent. */
export class MemoryLease implements Lease {
  readonly fencingToken: bigint;
  readonly budget = undefined;
  readonly evidence = undefined;
  readonly #giveBack: () => void;
  readonly #loss = new AbortController();
  #lostAt: number | undefined;

  constructor(fencingToken: bigint, giveBack: () => void) {
    this.fencingToken = fencingToken;
    this.#giveBack = giveBack;
  }

  readonly deadline = (): number => this.#lostAt ?? Number.POSITIVE_INFINITY;

  get lost(): AbortSignal {
    return this.#loss.signal;
  }

  isLost(): boolean {
    return this.#loss.signal.aborted;
  }

  /** The permit is another's from `now` on, monotonic ms. */
  lose(error: LeaseLostError, now: number): void {
    if (this.isLost()) return;
    this.#lostAt = now;
    this.#loss.abort(error);
  }

  /** Nothing is renewed. */
  onRenewed(): () => void {
    return () => {};
  }

  async release(): Promise<void> {
    this.#giveBack();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
