import type { Traits } from '../../../src/backend/contract.js';

/** What can happen to a holder, as `docs/backends.md` lists it, each with its test in `failures.ts`. */
export const EVENTS = {
  ends: 'its command ends',
  killed: 'lockex is killed (`kill -9`)',
  frozen: 'lockex is frozen (SIGSTOP)',
  unguarded: 'its guardian is killed',
  lost: 'its host is lost',
  asleep: 'its host freezes as a whole, and wakes when the next one has started',
  silence: 'its link to the service falls silent',
  blink: 'its link is silent for a tenth of the timeout',
  restart: 'the server is killed and started again',
  down: 'the server is down for longer than the timeout',
  'server-frozen': 'the server is frozen for longer than the timeout',
  one: 'one of three servers is killed: the leader, where there is one',
  deleted: 'somebody deletes the lock',
} as const;

export type Event = keyof typeof EVENTS;

/** What comes of it. In all but the last two the command is dead, all of it, before the next one starts. */
export const PROMISES = {
  'at once': 'dead; the next one starts at once',
  'after ttl': 'dead; the next one starts when the timeout has passed',
  stopped: 'lock lost, dead; then the next one',
  untouched: 'untouched: it goes on, and holds',
  'both for a moment': 'lock lost and killed, but the next one may have started',
} as const;

export type Kept = keyof typeof PROMISES;

/** `none`: it cannot happen there. */
export type Promises = Readonly<Record<Event, Kept | 'none'>>;

/** A column of `docs/backends.md`. */
export interface Column {
  readonly traits: Traits;
  readonly promises: Promises;
}

/** Of each service, by its name. */
export const SERVICES = {
  ZooKeeper: {
    traits: {
      queue: 'fair',
      fencing: true,
      shared: true,
      maxPermits: 100_000,
      waiters: true,
      handoverDelay: true,
      hold: true,
    },
    promises: {
      ends: 'at once',
      killed: 'at once',
      frozen: 'stopped',
      unguarded: 'stopped',
      lost: 'after ttl',
      asleep: 'both for a moment',
      silence: 'stopped',
      blink: 'untouched',
      restart: 'untouched',
      down: 'stopped',
      'server-frozen': 'stopped',
      one: 'untouched',
      deleted: 'both for a moment',
    },
  },
  etcd: {
    traits: {
      queue: 'fair',
      fencing: true,
      shared: true,
      maxPermits: 1000,
      waiters: true,
      handoverDelay: false,
      hold: true,
    },
    promises: {
      ends: 'at once',
      killed: 'at once',
      frozen: 'stopped',
      unguarded: 'stopped',
      lost: 'after ttl',
      asleep: 'both for a moment',
      silence: 'stopped',
      blink: 'untouched',
      restart: 'untouched',
      down: 'stopped',
      'server-frozen': 'stopped',
      one: 'untouched',
      deleted: 'both for a moment',
    },
  },
  redis: {
    traits: {
      queue: 'race',
      fencing: true,
      shared: false,
      maxPermits: 1,
      waiters: true,
      handoverDelay: false,
      hold: true,
    },
    promises: {
      ends: 'at once',
      killed: 'at once',
      frozen: 'stopped',
      unguarded: 'stopped',
      lost: 'after ttl',
      asleep: 'both for a moment',
      silence: 'stopped',
      blink: 'untouched',
      restart: 'stopped',
      down: 'stopped',
      'server-frozen': 'stopped',
      one: 'none',
      deleted: 'both for a moment',
    },
  },
  'redis, three masters': {
    traits: {
      queue: 'race',
      fencing: false,
      shared: false,
      maxPermits: 1,
      waiters: true,
      handoverDelay: false,
      hold: true,
    },
    promises: {
      ends: 'at once',
      killed: 'at once',
      frozen: 'stopped',
      unguarded: 'stopped',
      lost: 'after ttl',
      asleep: 'both for a moment',
      silence: 'stopped',
      blink: 'untouched',
      restart: 'stopped',
      down: 'stopped',
      'server-frozen': 'stopped',
      one: 'untouched',
      deleted: 'both for a moment',
    },
  },
  memcached: {
    traits: {
      queue: 'race',
      fencing: false,
      shared: false,
      maxPermits: 1,
      waiters: false,
      handoverDelay: false,
      hold: true,
    },
    promises: {
      ends: 'at once',
      killed: 'after ttl',
      frozen: 'stopped',
      unguarded: 'stopped',
      lost: 'after ttl',
      asleep: 'both for a moment',
      silence: 'stopped',
      blink: 'untouched',
      restart: 'untouched',
      down: 'stopped',
      'server-frozen': 'stopped',
      one: 'none',
      deleted: 'both for a moment',
    },
  },
  files: {
    traits: {
      queue: 'race',
      fencing: false,
      shared: true,
      maxPermits: 64,
      waiters: true,
      handoverDelay: false,
      hold: true,
    },
    promises: {
      ends: 'at once',
      killed: 'at once',
      frozen: 'untouched',
      unguarded: 'stopped',
      lost: 'none',
      asleep: 'none',
      silence: 'none',
      blink: 'none',
      restart: 'none',
      down: 'none',
      'server-frozen': 'none',
      one: 'none',
      deleted: 'both for a moment',
    },
  },
  memory: {
    traits: {
      queue: 'fair',
      fencing: true,
      shared: true,
      maxPermits: 1_000_000,
      waiters: true,
      handoverDelay: false,
      hold: true,
    },
    promises: {
      ends: 'none',
      killed: 'none',
      frozen: 'none',
      unguarded: 'none',
      lost: 'none',
      asleep: 'none',
      silence: 'none',
      blink: 'none',
      restart: 'none',
      down: 'none',
      'server-frozen': 'none',
      one: 'none',
      deleted: 'none',
    },
  },
} as const satisfies Readonly<Record<string, Column>>;

export type ServiceName = keyof typeof SERVICES;
