import type { Clock } from '../../util/clock.js';
import type { Log } from '../../util/log.js';
import type { TlsOptions } from '../open-options.js';
import type { Ensemble } from './hosts.js';

/** What a session is opened with. */
export interface SessionOptions {
  readonly ensemble: Ensemble;
  /** Session timeout to ask for, ms; the servers may give another. */
  readonly ttlMs: number;
  /** Limit for the first connection, ms. */
  readonly connectLimitMs: number;
  /** Limit for its attempts, one server each; `Infinity` for none. */
  readonly connectAttempts: number;
  /** `user:password` of the digest scheme. */
  readonly digest: Buffer | undefined;
  readonly acl: 'open' | 'creator';
  readonly tls: TlsOptions | undefined;
  readonly clock: Clock;
  /** 0 to 1, as `Math.random`. */
  readonly random: () => number;
  readonly log: Log;
}
