import { randomId } from '../../util/random-id.js';
import { failureOf } from './failure.js';
import { keepAliveOnce } from './keep-alive.js';
import type { Session, Work } from './session.js';

/** 56 random bits: the id of a lease is a positive 64 bit number, and ours to choose. */
export function newLeaseId(): bigint {
  return BigInt(`0x1${randomId().slice(0, 14)}`);
}

/** A lease as etcd has them: keys that are put on it end with it. */
export interface GrantedLease {
  /** What the servers really gave: they round up to whole seconds, and go no lower than one and a half election timeouts. */
  readonly ttlMs: number;
  /** Monotonic ms: etcd may count from then on. */
  readonly sentAt: number;
}

/**
 * Has a lease granted. Its id is chosen before, so that a request whose answer was lost can be sent again: the second one is
 * told that there is such a lease.
 * @param ttlMs whole seconds
 */
export async function grantLease(
  session: Session,
  id: bigint,
  ttlMs: number,
  signal: AbortSignal,
): Promise<GrantedLease> {
  let first: number | undefined;
  let asked: Promise<unknown> | undefined;
  const work: Work<GrantedLease> = async (client, options) => {
    const sentAt = session.clock.now();
    first ??= sentAt;
    try {
      const asking = client.leaseClient.leaseGrant({ ID: id.toString(), TTL: ttlMs / 1000 }, options);
      asked = asking;
      const { TTL } = await asking;
      return { ttlMs: Number(TTL) * 1000, sentAt };
    } catch (error) {
      if (failureOf(error) !== 'lease-exists') throw error;
      const { TTL } = await keepAliveOnce(client, id, options);
      return { ttlMs: Number(TTL) * 1000, sentAt: first };
    }
  };
  try {
    return await session.persist(work, signal);
  } catch (error) {
    // Whoever gives up revokes it next: a request under way must not be overtaken by that.
    await asked?.catch(() => {});
    throw error;
  }
}

/** Ends a lease, and with it its keys. One that is not there any more is fine. */
export async function revokeLease(session: Session, id: bigint, signal: AbortSignal): Promise<void> {
  await session.persist(async (client, options) => {
    try {
      await client.leaseClient.leaseRevoke({ ID: id.toString() }, options);
    } catch (error) {
      if (failureOf(error) !== 'lease-gone') throw error;
    }
  }, signal);
}
