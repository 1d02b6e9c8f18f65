import { LeaseLostError } from '../util/errors.js';
import type { HeldLease } from './held-lease.js';

/**
 * Settles as the work does, but with the loss when the lease was lost before that: the clock is asked once more.
 * @throws LeaseLostError, with what the work threw as its cause, unless that was the loss itself
 */
export async function workUnder<T>(lease: HeldLease, work: (lease: HeldLease) => Promise<T> | T): Promise<T> {
  const lossWith = (cause: unknown): unknown => {
    const { reason } = lease.lost;
    if (cause === undefined || cause === reason || !(reason instanceof LeaseLostError)) return reason;
    return new LeaseLostError(reason.lossCause, reason.message, 0, { cause });
  };
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
