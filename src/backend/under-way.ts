import { firstOf } from '../util/abort.js';
import type { Lease } from './contract.js';

/** What a session has under way: work that ends with it, and leases that are given back then. */
export class UnderWay {
  readonly #closing = new AbortController();
  readonly #works = new Set<Promise<unknown>>();
  readonly #leases = new Set<Lease>();

  /** Aborts when the session is closed, with the reason of that. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Does `work` as a part of the session.
   * @param work its signal aborts with `signal`, and when the session is closed
   */
  async within<T>(signal: AbortSignal, work: (either: AbortSignal) => Promise<T>): Promise<T> {
    const either = firstOf([signal, this.#closing.signal]);
    const working = work(either.signal);
    this.#works.add(working);
    try {
      return await working;
    } finally {
      this.#works.delete(working);
      either.end();
    }
  }

  /** A lease was granted. */
  add(lease: Lease): void {
    this.#leases.add(lease);
  }

  /** It is being given back. */
  delete(lease: Lease): void {
    this.#leases.delete(lease);
  }

  /** Aborts all work, and gives all leases back: resolves when both are at their end. Never rejects. */
  async close(reason: Error): Promise<void> {
    this.#closing.abort(reason);
    await Promise.allSettled([...this.#works, ...[...this.#leases].map((lease) => lease.release())]);
  }
}
