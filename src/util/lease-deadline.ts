import type { Clock, Timer } from './clock.js';
import { LeaseLostError } from './errors.js';

/** The spans of a lease, in milliseconds, all counted from the send time of an acknowledged renewal. */
export interface LeaseBudget {
  /** How long the service keeps us after our last sign of life: the negotiated session timeout. */
  readonly ttlMs: number;
  /** A renewal is sent this often. */
  readonly renewEveryMs: number;
  /** A silence of the service shorter than this, whenever it begins, does not touch the command. */
  readonly rideOutMs: number;
  /** The stop signal goes out this long after the last acknowledged renewal. */
  readonly stopAfterMs: number;
  /** SIGKILL goes out this long after it. */
  readonly killAfterMs: number;
  /** The tree is dead this long after it. */
  readonly deadlineAfterMs: number;
}

/** A suspended host has lost its lease: this long after it wakes, ms, that is seen at the latest. */
const LOOK_EVERY_MS = 250;

/**
 * The life of one lease: moved on by acknowledged renewals, ended once, by a timer, early enough that the tree
 * can be stopped before the service may grant to another.
 *
 * A renewal counts from when it was *sent*: the service may have started its own clock at that moment. A
 * renewal that is acknowledged after the stop is due changes nothing, however soon the timer runs: after a
 * freeze, Node may hand us the reply before the overdue timer.
 */
export class LeaseDeadline {
  readonly #clock: Clock;
  #budget: LeaseBudget;
  readonly #loss = new AbortController();
  #lastRenewal: number;
  readonly #lastFailure: () => string | undefined;
  #lostDeadline: number | undefined;
  #timer: Timer | undefined;
  #ended = false;

  /**
   * @param sentAt monotonic send time, ms, of the acknowledged request that granted or confirmed the lease
   * @param lastFailure why renewals failed since the last one that did not, where that is known: told of a loss
   */
  constructor(
    budget: LeaseBudget,
    clock: Clock,
    sentAt: number,
    lastFailure: () => string | undefined = () => undefined,
  ) {
    this.#lastFailure = lastFailure;
    this.#budget = budget;
    this.#clock = clock;
    this.#lastRenewal = sentAt;
    this.#arm();
  }

  /** Aborts once, with a {@link LeaseLostError}. */
  get lost(): AbortSignal {
    return this.#loss.signal;
  }

  /** Monotonic ms by which the tree must be dead. */
  readonly at = (): number => this.#lostDeadline ?? this.#lastRenewal + this.#budget.deadlineAfterMs;

  /** Monotonic send time, ms, of the last renewal that counted. */
  get lastRenewal(): number {
    return this.#lastRenewal;
  }

  /** A renewal sent at `sentAt` was acknowledged. Acknowledgements may come in any order. */
  renewed(sentAt: number): void {
    // One may have been on its way when the lease was given back.
    if (this.#ended || this.isLost()) return;
    this.#lastRenewal = Math.max(this.#lastRenewal, sentAt);
    this.#arm();
  }

  /** The service keeps us for another time from now on, and has for all we know since the last renewal. */
  changeBudget(budget: LeaseBudget): void {
    this.#budget = budget;
    if (!this.#ended && !this.isLost()) this.#arm();
  }

  /** The first statement of every entry point: has the stop become due, timer or no timer? */
  isLost(): boolean {
    if (!this.#ended && this.#clock.now() >= this.#stopAt()) this.#loseBySilence();
    return this.#loss.signal.aborted;
  }

  /** The service says, or something proves, that the lease is gone: another may hold it already. */
  lose(error: LeaseLostError): void {
    if (this.#loss.signal.aborted) return;
    this.end();
    this.#lostDeadline = Math.min(this.at(), this.#clock.now() + error.remainingMs);
    this.#loss.abort(error);
  }

  /** The lease is given back: nothing is lost any more. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #stopAt(): number {
    return this.#lastRenewal + this.#budget.stopAfterMs;
  }

  #arm(): void {
    this.#timer?.cancel();
    // In short steps: a timer does not count the time in which the host is suspended.
    this.#timer = this.#clock.setTimer(
      Math.min(this.#stopAt() - this.#clock.now(), LOOK_EVERY_MS),
      () => this.isLost() || this.#arm(),
    );
  }

  #loseBySilence(): void {
    const now = this.#clock.now();
    const silence = Math.round(now - this.#lastRenewal);
    const failure = this.#lastFailure();
    const message =
      `the lock service acknowledged no renewal for ${silence} ms${failure === undefined ? '' : ` (${failure})`}; ` +
      `the session may expire ${this.#budget.ttlMs} ms after the last one`;
    this.lose(new LeaseLostError('silence', message, this.at() - now));
  }
}
