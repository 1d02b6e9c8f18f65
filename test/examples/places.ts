import type { TestContext } from 'node:test';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import type { Addresses } from '../migrating/addresses.js';
import type { Place } from './instance.js';

/** A lock service that the example is started with. */
export interface Candidate {
  readonly name: string;
  /** Of the locks of a leader that has died; as short as is good for a busy machine and for the service. */
  readonly ttlMs: number;
  /** Whether silence of a leader can lose its lock. */
  readonly expires: boolean;
  readonly urlOf: (addresses: Addresses, directory: string) => string;
}

/** What a takeover after a crash may take beyond the timeout, ms: a tick of the server, a poll, a busy machine. */
export const SLACK_MS = 4000;

/** The hosts of the document by which `startServices` knows what to start. */
export const HOSTS = ['zk1 etcd1 redis1 mc1'];

export const CANDIDATES: readonly Candidate[] = [
  { name: 'ZooKeeper', ttlMs: 4000, expires: true, urlOf: ({ zookeeper }) => `zk://${zookeeper}` },
  { name: 'etcd', ttlMs: 4000, expires: true, urlOf: ({ etcd }) => `etcd://${etcd}` },
  { name: 'redis', ttlMs: 4000, expires: true, urlOf: ({ redis }) => `redis://${redis}` },
  { name: 'memcached', ttlMs: 6000, expires: true, urlOf: ({ memcached }) => `memcached://${memcached}` },
  { name: 'files', ttlMs: 4000, expires: false, urlOf: (_, directory) => `file://${directory}/locks` },
];

/** A place for the instances of one test. The lock itself is the same in all of them: each gives it back in the end. */
export async function placeFor(
  t: TestContext,
  { urlOf, ttlMs }: Pick<Candidate, 'urlOf' | 'ttlMs'>,
  addresses: Addresses,
): Promise<Place> {
  const dir = await scope(t).use(tempDir('singleton'));
  return { url: urlOf(addresses, dir.path), ttlMs, journal: dir.join('journal.jsonl') };
}
