import type { Clock } from '../util/clock.js';
import type { Log } from '../util/log.js';

/** TLS material, PEM. */
export interface TlsOptions {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** What a session is opened with; a service takes from it what it has a use for. */
export interface OpenOptions {
  /** Session timeout, or time to live of a key, to ask for, ms. */
  readonly ttlMs: number;
  /** Limit for the first connection, ms. */
  readonly connectLimitMs: number;
  /** Limit for its attempts, one server each; `Infinity` for none. */
  readonly connectAttempts: number;
  /** `user:password`. Secret. */
  readonly login?: Buffer;
  /** Who may touch what we make: anybody, or only who has our credentials. */
  readonly acl?: 'open' | 'creator';
  readonly tls?: TlsOptions;
  /**
   * About how often a waiter asks again where the service cannot tell it that a permit became free, ms; the service's own choice
   * if absent.
   */
  readonly retryEveryMs?: number;
  /** Whether it is only to be asked who owns what: nothing is made. */
  readonly askOnly?: boolean;
  readonly clock: Clock;
  readonly log: Log;
}
