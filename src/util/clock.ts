import { hrtime } from 'node:process';
import { openUptime, steadyClock } from './uptime.js';

/** A timer that has been set. Cancelling one that has fired does nothing. */
export interface Timer {
  /** It does not run any more. */
  cancel(): void;
}

/** Time, handed in: the system's in production, a test's own in tests. */
export interface Clock {
  /**
   * Milliseconds on a clock that only goes forward, also while the host is suspended; its zero means nothing. Not moved by
   * a change of the date.
   */
  now(): number;
  /**
   * Calls `run` once, `ms` milliseconds from now or later: later when the process was frozen or busy, or the host
   * suspended.
   */
  setTimer(ms: number, run: () => void): Timer;
}

/** Node's longest timer; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

// Not `performance.now`, which takes 1 ms to load.
const monotonic = (): number => Number(hrtime.bigint()) / 1e6;

const uptime = openUptime();

/**
 * The clock of this process: CLOCK_BOOTTIME on Linux, so that the guardian, which reads `/proc/uptime` itself, means the
 * same by a time; elsewhere a monotonic clock that may stand still while the host is suspended.
 */
export const systemClock: Clock = {
  now: uptime === undefined ? monotonic : steadyClock(monotonic, uptime),
  setTimer(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};
