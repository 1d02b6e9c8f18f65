import type { ITxnRequest, KVClient, LeaseClient, WatchClient } from 'etcd3';
import type { Claim, LockBackend } from '../../../src/backend/contract.js';
import type { EtcdClient } from '../../../src/backend/etcd/client.js';
import { openEtcd } from '../../../src/backend/etcd/index.js';
import type { OpenOptions } from '../../../src/backend/open-options.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';

export const never = new AbortController().signal;

/** Options of a session as a test wants them. */
export function openOptions(part: Partial<OpenOptions> = {}): OpenOptions {
  return {
    ttlMs: 4000,
    connectLimitMs: 10_000,
    connectAttempts: Number.POSITIVE_INFINITY,
    clock: systemClock,
    log: silentLog,
    ...part,
  };
}

export function open(address: string, part: Partial<OpenOptions> = {}): Promise<LockBackend> {
  return openEtcd(address, openOptions(part), never);
}

/** A claim to a lock. */
export function claim(part: Partial<Claim> = {}): Claim {
  return {
    resource: 'lockex/r',
    permits: 1,
    mode: 'exclusive',
    identity: { host: 'host.example', pid: 7, command: 'true' },
    ...part,
  };
}

/** A client of the user's own, some of whose calls are altered. */
export function altered(
  client: EtcdClient,
  part: {
    kv?: Partial<Pick<KVClient, 'range' | 'txn'>>;
    leaseClient?: Partial<Pick<LeaseClient, 'leaseGrant' | 'leaseKeepAlive'>>;
    watchClient?: Partial<Pick<WatchClient, 'watch'>>;
  },
): EtcdClient {
  return {
    kv: Object.assign(Object.create(client.kv), part.kv),
    leaseClient: Object.assign(Object.create(client.leaseClient), part.leaseClient),
    watchClient: Object.assign(Object.create(client.watchClient), part.watchClient),
  };
}

/** The transaction that makes a claim's key has something to do when the key is there; the one that confirms has not. */
export const confirms = ({ failure }: ITxnRequest): boolean => failure?.length === 0;
