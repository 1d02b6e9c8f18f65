/**
 * When the leader expires which session. ZooKeeper's SessionTrackerImpl with its ExpiryQueue (3.5 to 3.9): each sign of
 * life puts the session's end a timeout away, rounded up to the next boundary of a tick, and at every boundary those
 * whose end it is are closed (`roundToNextInterval`, `update`, `poll`).
 */
export class SessionTracker {
  readonly #tickMs: number;
  /** The leader's clock begins anywhere between two boundaries. */
  readonly #phase: number;
  readonly #sessions = new Map<number, { endsAt: number; readonly ttlMs: number; closing: boolean }>();

  constructor(tickMs: number, phase: number) {
    this.#tickMs = tickMs;
    this.#phase = phase;
  }

  track(session: number, ttlMs: number, now: number): void {
    const known = this.#sessions.get(session);
    if (known === undefined) {
      this.#sessions.set(session, { endsAt: this.boundaryAfter(now + ttlMs), ttlMs, closing: false });
    } else this.touch(session, now);
  }

  /** A sign of life, direct or relayed. @returns whether the session lives: one that is being closed does not */
  touch(session: number, now: number): boolean {
    const known = this.#sessions.get(session);
    if (known === undefined || known.closing) return false;
    known.endsAt = this.boundaryAfter(now + known.ttlMs);
    return true;
  }

  isAlive(session: number): boolean {
    return this.#sessions.get(session)?.closing === false;
  }

  /** From now on nothing that it sends counts. */
  setClosing(session: number): void {
    const known = this.#sessions.get(session);
    if (known !== undefined) known.closing = true;
  }

  remove(session: number): void {
    this.#sessions.delete(session);
  }

  /** The sessions that are to be closed now. */
  due(now: number): number[] {
    const due: number[] = [];
    for (const [session, { endsAt, closing }] of this.#sessions) {
      if (!closing && endsAt <= now) due.push(session);
    }
    return due;
  }

  /** The first boundary of a tick that is later than `time`. */
  boundaryAfter(time: number): number {
    const phase = this.#phase;
    return (Math.floor((time - phase) / this.#tickMs) + 1) * this.#tickMs + phase;
  }
}
