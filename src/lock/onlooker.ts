import type { Claim, Contender } from '../backend/contract.js';

type OnQueue = NonNullable<Claim['onQueue']>;

/** One who looks on while a program waits, and may fail at that. */
export interface Onlooker {
  /** Never throws. */
  readonly onQueue: OnQueue;
  /** Aborts with what it threw. */
  readonly failed: AbortSignal;
}

/**
 * What an onlooker throws ends the wait that it looks on. It is called in the middle of what the lock service is at: there,
 * it would end something else, another's release perhaps.
 */
export function guarded(onQueue: OnQueue | undefined): Onlooker {
  const failure = new AbortController();
  return {
    failed: failure.signal,
    onQueue(contenders: readonly Contender[]) {
      try {
        onQueue?.(contenders);
      } catch (error) {
        failure.abort(error);
      }
    },
  };
}
