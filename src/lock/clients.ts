import type { LockBackend } from '../backend/contract.js';
import type { OpenOptions } from '../backend/open-options.js';
import { serviceOf } from '../backend/registry.js';
import { UsageError } from '../util/errors.js';
import type { LockSettings } from './options.js';

/** A client of the npm package `ioredis`: what is named here tells one from other objects. */
export interface RedisClient {
  readonly isCluster: boolean;
  duplicate(override?: object): unknown;
}

/** A client of the npm package `etcd3`, an `Etcd3`: what is named here tells one from other objects. */
export interface EtcdClient {
  readonly kv: object;
  readonly leaseClient: object;
  readonly watchClient: object;
}

/** A client of the npm package `memcache`, a `Memcache`: what is named here is what we need of it. */
export interface MemcachedClient {
  readonly nodes: readonly {
    readonly host: string;
    readonly port: number;
    readonly hasSaslCredentials: boolean;
  }[];
}

/**
 * A client that the program has anyway; lockex never closes it.
 * - `redis`: one, or one for each of several masters. Its servers and login are used, over connections of our own, since its
 *   own may send a command again long after that was given up.
 * - `etcd`: the client itself is used.
 * - `memcached`: its servers are used, in its order, over connections of our own.
 */
export type OwnClient =
  | { readonly redis: RedisClient | readonly RedisClient[] }
  | { readonly etcd: EtcdClient }
  | { readonly memcached: MemcachedClient };

/**
 * What opens a session by a client.
 * @throws UsageError for none that is known, and for a timing that cannot hold
 */
export function openingByClient(
  own: OwnClient,
  { open, lossGraceMs }: LockSettings,
): (signal: AbortSignal) => Promise<LockBackend> {
  const way = WAYS.find(({ name }) => name in own);
  if (way === undefined) {
    throw new UsageError(
      `expected a client as { ${WAYS.map(({ name }) => name).join(' }, { ')} }, got something else`,
    );
  }
  serviceOf(`${way.name}:`).budget(open.ttlMs, lossGraceMs);
  return (signal) => way.open(own, open, signal);
}

interface Way {
  readonly name: string;
  readonly open: (own: OwnClient, options: OpenOptions, signal: AbortSignal) => Promise<LockBackend>;
}

// The casts: of their clients we name what tells them from other objects, and not the types of packages that not
// everybody installs.
const WAYS: readonly Way[] = [
  {
    name: 'redis',
    async open(own, options, signal) {
      const { useRedis } = await import('../backend/redis/index.js');
      const { redis } = own as { redis: Parameters<typeof useRedis>[0] };
      return useRedis(redis, options, signal);
    },
  },
  {
    name: 'etcd',
    async open(own, options) {
      const { useEtcd } = await import('../backend/etcd/index.js');
      const { etcd } = own as { etcd: Parameters<typeof useEtcd>[0] };
      return useEtcd(etcd, '', options);
    },
  },
  {
    name: 'memcached',
    async open(own, options, signal) {
      const { useMemcached } = await import('../backend/memcached/index.js');
      const { memcached } = own as { memcached: MemcachedClient };
      return useMemcached(memcached, options, signal);
    },
  },
];
