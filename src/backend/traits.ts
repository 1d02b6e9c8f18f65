import type { Traits } from './contract.js';

/** What each service can do. It is known before one is opened: who asks for more is refused without a server. */

/** ZooKeeper. */
export const ZOOKEEPER_TRAITS: Traits = {
  queue: 'fair',
  fencing: true,
  shared: true,
  maxPermits: 100_000,
  waiters: true,
  handoverDelay: true,
  hold: true,
};

/** etcd. */
export const ETCD_TRAITS: Traits = {
  queue: 'fair',
  fencing: true,
  shared: true,
  maxPermits: 1000,
  waiters: true,
  handoverDelay: false,
  hold: true,
};

/** Redis; several masters have no clock in common that a fencing token could be made of. */
export function redisTraits(masters: number): Traits {
  return {
    queue: 'race',
    fencing: masters === 1,
    shared: false,
    maxPermits: 1,
    waiters: true,
    handoverDelay: false,
    hold: true,
  };
}

/** memcached. */
export const MEMCACHED_TRAITS: Traits = {
  queue: 'race',
  fencing: false,
  shared: false,
  maxPermits: 1,
  waiters: false,
  handoverDelay: false,
  hold: true,
};

/** Files on this host. */
export const FILE_TRAITS: Traits = {
  queue: 'race',
  fencing: false,
  shared: true,
  maxPermits: 64,
  waiters: true,
  handoverDelay: false,
  hold: true,
};

/** This process. */
export const MEMORY_TRAITS: Traits = {
  queue: 'fair',
  fencing: true,
  shared: true,
  maxPermits: 1_000_000,
  waiters: true,
  handoverDelay: false,
  hold: true,
};
