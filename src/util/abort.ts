import type { Clock } from './clock.js';

/**
 * Settles as `work` does, or rejects with `signal.reason` as soon as the signal aborts.
 * The work itself goes on: whoever started it cleans up after it.
 */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Calls `run` once when the signal aborts, now if it has; returns the way to stop that. */
export function whenAborted(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) run();
  else signal.addEventListener('abort', run, { once: true });
  return () => signal.removeEventListener('abort', run);
}

/** What aborts with the first of several signals. */
export interface FirstOf {
  readonly signal: AbortSignal;
  /** It heeds none of them any more, and none of them knows of it. */
  end(): void;
}

/**
 * A signal that aborts as soon as one of these does, with its reason, until `end` is called.
 *
 * Not AbortSignal.any: before Node 24 each leaves something behind at the signals that it is made of, and one of them may
 * live for weeks.
 */
export function firstOf(signals: readonly (AbortSignal | undefined)[]): FirstOf {
  const first = new AbortController();
  const forget = signals.flatMap((signal) =>
    signal === undefined ? [] : [whenAborted(signal, () => first.abort(signal.reason))],
  );
  const end = () => {
    for (const each of forget) each();
  };
  return { signal: first.signal, end };
}

/** Resolves once the signal has aborted; never rejects. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Resolves after `ms` milliseconds; rejects with `signal.reason` when the signal aborts first. */
export function delay(ms: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Resolves once `work` has settled, and after `ms` milliseconds in any case; never rejects. The work itself goes on. */
export async function atMost(ms: number, clock: Clock, work: Promise<unknown>): Promise<void> {
  const settled = new AbortController();
  const late = delay(ms, clock, settled.signal);
  await Promise.allSettled([Promise.race([work, late])]);
  settled.abort();
  await late.catch(() => {});
}

/** A signal that aborts with `reason()` at the monotonic time `at`; `cancel` forgets the timer. */
export function abortAt(
  at: number,
  clock: Clock,
  reason?: () => unknown,
): { signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const timer = clock.setTimer(at - clock.now(), () => controller.abort(reason?.()));
  return { signal: controller.signal, cancel: () => timer.cancel() };
}
