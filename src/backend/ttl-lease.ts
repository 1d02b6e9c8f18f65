import { abortAt } from '../util/abort.js';
import type { Clock, Timer } from '../util/clock.js';
import { LeaseLostError, type LossCause, messageOf } from '../util/errors.js';
import { type LeaseBudget, LeaseDeadline } from '../util/lease-deadline.js';
import type { Log } from '../util/log.js';
import type { Lease } from './contract.js';

/** What a service said to a renewal. One that it did not answer is a rejection. */
export type Renewal =
  /**
   * The permit is ours for another timeout, counted from when the renewal was sent; `from`: since when it counts, monotonic
   * ms, where that is before.
   */
  | { readonly how: 'renewed'; readonly from?: number }
  /** The permit is not ours any more; the message says what was found instead. */
  | { readonly how: 'lost'; readonly cause: LossCause; readonly message: string };

/** What a {@link TtlLease} is made from. */
export interface TtlLeaseOptions {
  /** Its time line: see {@link keyBudget}. */
  readonly budget: LeaseBudget;
  /** Send time, monotonic ms, of the acknowledged request that granted the permit. */
  readonly sentAt: number;
  /** As of `Lease`. */
  readonly fencingToken: bigint | undefined;
  /** As of `Lease`. */
  readonly evidence: string;
  /** As a rule, `systemClock`. */
  readonly clock: Clock;
  /** Hears of renewals that failed. */
  readonly log: Log;
  /**
   * Asks the service to keep the permit for another timeout, if it is still ours.
   * @param signal aborts when the answer is late: whatever carries the request should be given up, and a new one tried
   */
  readonly renew: (signal: AbortSignal) => Promise<Renewal>;
  /** Gives the permit back if it is still ours. Called once. */
  readonly giveBack: () => Promise<void>;
}

/** A renewal may take this part of the timeout; then the next one is tried. */
const ATTEMPT = 1 / 6;

/** A permit that is a key with a time to live: ours as long as it is renewed in time. */
export class TtlLease implements Lease {
  readonly fencingToken: bigint | undefined;
  readonly budget: LeaseBudget;
  readonly evidence: string;
  readonly #options: TtlLeaseOptions;
  readonly #deadline: LeaseDeadline;
  readonly #listeners = new Set<() => void>();
  #next: Timer | undefined;
  /** Why the last renewal failed, unless one has succeeded since. */
  #failure: string | undefined;
  #released: Promise<void> | undefined;

  /** Renewed from now on, until it is lost or given back. */
  constructor(options: TtlLeaseOptions) {
    this.#options = options;
    this.fencingToken = options.fencingToken;
    this.budget = options.budget;
    this.evidence = options.evidence;
    this.#deadline = new LeaseDeadline(options.budget, options.clock, options.sentAt, () => this.#failure);
    this.#schedule();
  }

  readonly deadline = (): number => this.#deadline.at();

  get lost(): AbortSignal {
    return this.#deadline.lost;
  }

  isLost(): boolean {
    return this.#deadline.isLost();
  }

  onRenewed(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The service says, or something proves, that the permit is another's, or nobody's, already. */
  lose(cause: LossCause, message: string): void {
    if (this.#released !== undefined) return;
    this.#next?.cancel();
    this.#deadline.lose(new LeaseLostError(cause, message, 0));
  }

  release(): Promise<void> {
    this.#released ??= this.#release();
    return this.#released;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #release(): Promise<void> {
    const { giveBack, log } = this.#options;
    this.#deadline.end();
    this.#next?.cancel();
    try {
      await giveBack();
    } catch (error) {
      log.debug({}, `the lock was not given back, and ends by itself: ${messageOf(error)}`);
    }
  }

  /** Every so often from the send time of the last one: a slow answer does not make renewals rarer. */
  #schedule(sentAt = this.#options.sentAt): void {
    if (this.#released !== undefined || this.lost.aborted) return;
    const { clock } = this.#options;
    const dueIn = sentAt + this.budget.renewEveryMs - clock.now();
    this.#next = clock.setTimer(Math.max(0, dueIn), () => void this.#renew());
  }

  async #renew(): Promise<void> {
    if (this.#deadline.isLost()) return;
    const { clock, log, renew } = this.#options;
    const sentAt = clock.now();
    const late = abortAt(sentAt + this.budget.ttlMs * ATTEMPT, clock, () => new Error('no answer in time'));
    try {
      const renewal = await renew(late.signal);
      if (renewal.how === 'lost') this.lose(renewal.cause, renewal.message);
      else this.#renewed(Math.min(sentAt, renewal.from ?? sentAt));
    } catch (error) {
      this.#failure = messageOf(error);
      log.debug({}, `a renewal failed: ${this.#failure}`);
    } finally {
      late.cancel();
      this.#schedule(sentAt);
    }
  }

  #renewed(sentAt: number): void {
    this.#failure = undefined;
    if (this.#released !== undefined) return;
    this.#deadline.renewed(sentAt);
    if (!this.lost.aborted) for (const listener of this.#listeners) listener();
  }
}
