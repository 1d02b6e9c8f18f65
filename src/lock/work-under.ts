import { LeaseLostError, LockNotAcquiredError } from '../util/errors.js';
import type { HeldLease } from './held-lease.js';

/**
 * Settles as the work does, but with the loss when the lease was lost before that: the clock is asked once more. Work whose
 * lease is not ours any more is not begun.
 * @throws LeaseLostError, with what the work threw as its cause, unless that was the loss itself
 * @throws LockNotAcquiredError when the lease was given back before the work began
 */
export async function workUnder<T>(lease: HeldLease, work: (lease: HeldLease) => Promise<T> | T): Promise<T> {
  const lossWith = (cause: unknown): unknown => {
    const { reason } = lease.lost;
    if (cause === undefined || cause === reason || !(reason instanceof LeaseLostError)) return reason;
    return new LeaseLostError(reason.lossCause, reason.message, 0, { cause });
  };
  if (!lease.owned) {
    if (lease.lost.aborted) throw lossWith(undefined);
    throw new LockNotAcquiredError('the lock was given back before the work began');
  }
  let result: T;
  try {
    result = await work(lease);
  } catch (error) {
    if (!lease.owned && lease.lost.aborted) throw lossWith(error);
    throw error;
  }
  if (!lease.owned && lease.lost.aborted) throw lossWith(undefined);
  return result;
}
