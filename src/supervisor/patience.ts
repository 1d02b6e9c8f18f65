import type { Clock, Timer } from '../util/clock.js';

/** The time that a tree is given between the stop signal and SIGKILL. It may be shortened, never prolonged. */
export class Patience {
  readonly #clock: Clock;
  readonly #end = new AbortController();
  #until = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Aborts when the patience has ended. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** Ends it at the monotonic time `at`, ms, at the latest. */
  endBy(at: number): void {
    if (at >= this.#until) return;
    this.#until = at;
    this.#timer?.cancel();
    const left = at - this.#clock.now();
    if (left <= 0) this.#end.abort();
    else this.#timer = this.#clock.setTimer(left, () => this.#end.abort());
  }

  /** Ends it now. */
  endNow(): void {
    this.endBy(Number.NEGATIVE_INFINITY);
  }

  /** The tree is gone: forgets the timer. */
  cancel(): void {
    this.#timer?.cancel();
  }
}
