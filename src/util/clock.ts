import { hrtime } from 'node:process';

/** A timer that has been set. Cancelling one that has fired does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time, handed in: the system's in production, a test's own in tests. */
export interface Clock {
  /** Milliseconds on a clock that only goes forward; its zero means nothing. Not moved by a change of the date. */
  now(): number;
  /** Calls `run` once, `ms` milliseconds from now or later: later when the process was frozen or busy. */
  setTimer(ms: number, run: () => void): Timer;
}

/** Node's longest timer; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The monotonic clock of this process. */
export const systemClock: Clock = {
  // Not `performance.now`, which takes 1 ms to load.
  now: () => Number(hrtime.bigint()) / 1e6,
  setTimer(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};
