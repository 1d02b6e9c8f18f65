/**
 * What is seen of a server's clock. It counts whole seconds, and stands still while the server does: one that was stopped
 * and goes on may do what it was asked before it looks at the clock, and the key that it writes then is gone earlier
 * than was asked for, by all the time that it was stopped (measured on 1.6.18: six times of eight).
 *
 * A clock that was seen to move was right when it did, and that was after the last request that saw it as it had been before.
 */
export class SeenClock {
  #second: number | undefined;
  #lastSeenAt = Number.NEGATIVE_INFINITY;
  #rightAt = Number.NEGATIVE_INFINITY;

  /**
   * A request that was sent at `sentAt`, monotonic ms, was answered, and the clock said `second`; another process of the
   * server, which began to count anew, is a clock that moved.
   * @returns monotonic ms when the clock had not yet been set to `second`, or later; `-Infinity` if it was not seen to move yet
   */
  saw(second: number, sentAt: number): number {
    if (second !== this.#second) {
      if (this.#second !== undefined) this.#rightAt = this.#lastSeenAt;
      this.#second = second;
    }
    this.#lastSeenAt = sentAt;
    return this.#rightAt;
  }
}
