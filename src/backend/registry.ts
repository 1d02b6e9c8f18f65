import { fileURLToPath } from 'node:url';
import { messageOf, UsageError } from '../util/errors.js';
import type { LeaseBudget } from '../util/lease-deadline.js';
import { showServer } from './address.js';
import type { LockBackend, Traits } from './contract.js';
import { parseCluster } from './etcd/address.js';
import { leaseBudget as etcdBudget } from './etcd/timing.js';
import { parseServers } from './memcached/servers.js';
import { memcachedBudget } from './memcached/timing.js';
import type { MemoryService } from './memory/index.js';
import type { OpenOptions } from './open-options.js';
import { parseRedis } from './redis/address.js';
import { redisBudget } from './redis/timing.js';
import { checkTlsMaterial } from './tls-material.js';
import {
  ETCD_TRAITS,
  FILE_TRAITS,
  MEMCACHED_TRAITS,
  MEMORY_TRAITS,
  redisTraits,
  ZOOKEEPER_TRAITS,
} from './traits.js';
import { parseEnsemble } from './zookeeper/hosts.js';
import { leaseBudget } from './zookeeper/timing.js';

/** What is known of a service before it is opened. */
export interface Service {
  /** What it is called in messages. */
  readonly name: string;
  /**
   * What its backend will be able to do.
   * @throws UsageError for a URL that cannot be read
   */
  readonly traits: (url: string) => Traits;
  /** Which credentials it takes. */
  readonly takes: { readonly login: boolean; readonly acl: boolean; readonly tls: boolean };
  /**
   * The servers that a URL names, `host:port` each.
   * @throws UsageError for one that cannot be read
   */
  readonly servers: (url: string) => readonly string[];
  /**
   * The time line of a lease, if the service gives the timeout that is asked for; `undefined` where silence cannot lose it.
   * @throws UsageError for a timing that cannot hold
   */
  readonly budget: (ttlMs: number, lossGraceMs: number | undefined) => LeaseBudget | undefined;
  /** Each is loaded when it is asked for: nobody waits for the code of a service that is not used. */
  readonly open: (url: string, options: OpenOptions, signal: AbortSignal) => Promise<LockBackend>;
}

const NO_SERVER = {
  takes: { login: false, acl: false, tls: false },
  budget: () => undefined,
} as const;

const FILES: Service = {
  ...NO_SERVER,
  name: 'files',
  traits: () => FILE_TRAITS,
  servers(url) {
    filePath(url);
    return ['this host'];
  },
  open: openFileUrl,
};

const MEMORY: Service = {
  ...NO_SERVER,
  name: 'memory',
  traits: () => MEMORY_TRAITS,
  servers: () => ['this process'],
  open: openMemory,
};

const ZOOKEEPER: Service = {
  name: 'ZooKeeper',
  traits: () => ZOOKEEPER_TRAITS,
  takes: { login: true, acl: true, tls: true },
  servers: (url) => parseEnsemble(addressOf(url)).servers.map(showServer),
  budget: leaseBudget,
  async open(url, options, signal) {
    const { openZooKeeper } = await import('./zookeeper/index.js');
    return openZooKeeper(addressOf(url), options, signal);
  },
};

const ETCD: Service = {
  name: 'etcd',
  traits: () => ETCD_TRAITS,
  takes: { login: true, acl: false, tls: true },
  servers: (url) => parseCluster(addressOf(url)).servers.map(showServer),
  budget: etcdBudget,
  async open(url, options, signal) {
    const { openEtcd } = await import('./etcd/index.js');
    return openEtcd(addressOf(url), options, signal);
  },
};

const REDIS: Service = {
  name: 'redis',
  traits: (url) => redisTraits(parseRedis(addressOf(url)).servers.length),
  takes: { login: true, acl: false, tls: true },
  servers: (url) => parseRedis(addressOf(url)).servers.map(showServer),
  budget: redisBudget,
  async open(url, options, signal) {
    const { openRedis } = await import('./redis/index.js');
    return openRedis(addressOf(url), options, signal);
  },
};

const REDISS: Service = {
  ...REDIS,
  // Whoever asks for TLS without a word about certificates trusts those that Node trusts.
  open: (url, options, signal) => REDIS.open(url, { ...options, tls: options.tls ?? {} }, signal),
};

const MEMCACHED: Service = {
  name: 'memcached',
  traits: () => MEMCACHED_TRAITS,
  takes: { login: false, acl: false, tls: false },
  servers: (url) => parseServers(addressOf(url)).map(showServer),
  budget: memcachedBudget,
  async open(url, options, signal) {
    const { openMemcached } = await import('./memcached/index.js');
    return openMemcached(addressOf(url), options, signal);
  },
};

/** All services there are, by scheme. */
const SERVICES: ReadonlyMap<string, Service> = new Map<string, Service>([
  ['zk', ZOOKEEPER],
  ['zookeeper', ZOOKEEPER],
  ['etcd', ETCD],
  ['redis', REDIS],
  ['rediss', REDISS],
  ['memcached', MEMCACHED],
  ['file', FILES],
  ['memory', MEMORY],
]);

/** The schemes of all services. */
export const SCHEMES: readonly string[] = [...SERVICES.keys()];

/**
 * The service that a URL names.
 * @throws UsageError for a URL that names none; it shows nothing but the scheme, since the rest may hold a password
 */
export function serviceOf(url: string): Service {
  const scheme = schemeOf(url);
  const service = scheme === undefined ? undefined : SERVICES.get(scheme);
  if (service !== undefined) return service;
  const known = SCHEMES.map((name) => `${name}:`).join(' ');
  const got = scheme === undefined ? 'one without a scheme' : `${scheme}:`;
  throw new UsageError(`expected a URL that begins with one of ${known}, got ${got}`);
}

/**
 * What stands behind `scheme://`.
 * @throws UsageError when there are no two slashes
 */
export function addressOf(url: string): string {
  const [, address] = /^[^:/]+:\/\/(.*)$/s.exec(url) ?? [];
  if (address !== undefined) return address;
  throw new UsageError(`expected ${schemeOf(url)}://host:port, got no two slashes`, {
    hint: 'two slashes, then the host',
  });
}

/**
 * Opens a session with the lock service at `url`.
 * - `zk://host:port,…[/chroot]`, also `zookeeper://`
 * - `etcd://[user:password@]host:port,…[/prefix]`
 * - `redis://[user:password@]host:port,…[/db]`, with TLS `rediss://`; several hosts are masters of their own
 * - `memcached://host:port,…`
 * - `file:///directory`: between the processes of this host
 * - `memory:` or `memory:name`: within this process; one name is one service
 *
 * @throws UsageError for a URL that names no service, or TLS material that cannot be used, and what the service's own open
 *   throws
 */
export async function openBackend(
  url: string,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<LockBackend> {
  signal.throwIfAborted();
  const service = serviceOf(url);
  if (options.tls !== undefined) await checkTlsMaterial(options.tls);
  return service.open(url, options, signal);
}

function schemeOf(url: string): string | undefined {
  return /^[A-Za-z][A-Za-z0-9+.-]*(?=:)/.exec(url)?.[0].toLowerCase();
}

async function openFileUrl(url: string, { clock, log, askOnly = false }: OpenOptions): Promise<LockBackend> {
  const path = filePath(url);
  const { openFile } = await import('./file/index.js');
  return openFile(path, { clock, log, askOnly });
}

/** The services of this process: what is shared by all its sessions is made once. */
const memoryServices = new Map<string, MemoryService>();

async function openMemory(url: string): Promise<LockBackend> {
  const { MemoryBackend, MemoryService } = await import('./memory/index.js');
  const name = url.slice('memory:'.length);
  const service = memoryServices.get(name) ?? new MemoryService();
  memoryServices.set(name, service);
  return new MemoryBackend(service);
}

/**
 * The directory that a `file:` URL names.
 * @throws UsageError when it is not absolute, or is on another host
 */
export function filePath(url: string): string {
  const refuse = (hint: string, cause?: unknown) =>
    new UsageError(`expected file:///directory, got ${JSON.stringify(url)}`, { hint, cause });
  if (!/^file:\/\/\//i.test(url))
    throw refuse('three slashes: the directory is an absolute path on this host');
  if (/[?#]/.test(url)) throw refuse('"?" and "#" in a path are written %3F and %23');
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw refuse(messageOf(error), error);
  }
}
