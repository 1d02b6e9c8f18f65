import type { Claim, Lease } from '../backend/contract.js';
import { abortAt, firstOf, whenAborted } from '../util/abort.js';
import type { Clock, Timer } from '../util/clock.js';
import { LockTimeoutError } from '../util/errors.js';
import { HeldLease } from './held-lease.js';
import { guarded } from './onlooker.js';
import type { Sessions } from './sessions.js';

/** How long to wait, and until when. */
export interface Wish {
  /** Not to wait at all. */
  readonly once: boolean;
  readonly timeoutMs: number | undefined;
  /** Whichever aborts first ends the wait, with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** What comes first: an earlier lease is given back. It does not reject. */
  readonly after: Promise<void> | undefined;
}

/** Where to contend. */
export interface Ring {
  readonly sessions: Sessions;
  readonly clock: Clock;
  /** The leases that are held. */
  readonly held: Set<HeldLease>;
}

/** How long, ms, who gives up stays to see that its place in line is gone: longer only where the service does not answer. */
const LEAVE_LIMIT_MS = 500;

/**
 * Takes a permit; `undefined` when none is free and nobody wants to wait.
 * @throws LockTimeoutError; the reason of one of `wish.signals`; what `claim.onQueue` throws; SessionLostError when a place in line was lost; what opening a
 *   session throws
 */
export async function contend(ring: Ring, claim: Claim, wish: Wish): Promise<HeldLease | undefined> {
  const { clock, sessions } = ring;
  const { timeoutMs } = wish;
  const limit =
    timeoutMs === undefined
      ? undefined
      : abortAt(
          clock.now() + timeoutMs,
          clock,
          () => new LockTimeoutError(`not free within ${timeoutMs / 1000} s: ${claim.resource}`),
        );
  const onlooker = guarded(claim.onQueue);
  const { signal, end } = firstOf([...wish.signals, sessions.closing, onlooker.failed, limit?.signal]);
  const told = { ...claim, onQueue: onlooker.onQueue };
  try {
    return await unlessAborted(grant(ring, told, wish, signal), signal, clock);
  } finally {
    end();
    limit?.cancel();
  }
}

async function grant(
  { sessions, clock, held }: Ring,
  claim: Claim,
  { once, after }: Wish,
  signal: AbortSignal,
): Promise<HeldLease | undefined> {
  await after;
  let waited = false;
  const told: Claim = {
    ...claim,
    onQueue(contenders) {
      waited = true;
      claim.onQueue?.(contenders);
    },
  };
  const { value, leave } = await sessions.within<Lease | undefined>(
    (backend) => (once ? backend.tryAcquire(told, signal) : backend.acquire(told, signal)),
    () => !waited,
    signal,
  );
  if (value === undefined) {
    leave();
    return undefined;
  }
  const lease = new HeldLease(value, clock, () => {
    held.delete(lease);
    leave();
  });
  held.add(lease);
  return lease;
}

/** Once aborted it yields no lease any more: one that comes nevertheless is given back. */
async function unlessAborted(
  granting: Promise<HeldLease | undefined>,
  signal: AbortSignal,
  clock: Clock,
): Promise<HeldLease | undefined> {
  let forget = (): void => {};
  let late: Timer | undefined;
  const gone = new Promise<undefined>((resolve) => {
    forget = whenAborted(signal, () => {
      late = clock.setTimer(LEAVE_LIMIT_MS, () => resolve(undefined));
    });
  });
  try {
    const lease = await Promise.race([granting, gone]);
    signal.throwIfAborted();
    return lease;
  } catch (error) {
    if (!signal.aborted) throw error;
    granting.then(
      (lease) => lease?.release(),
      () => {},
    );
    throw signal.reason;
  } finally {
    forget();
    late?.cancel();
  }
}
