import type { OpenOptions } from '../backend/open-options.js';
import { whatIsWrongWith, whatIsWrongWithParent } from '../backend/resource-name.js';
import { type Clock, systemClock } from '../util/clock.js';
import { type Duration, millisecondsOf } from '../util/duration.js';
import { UsageError } from '../util/errors.js';
import { type Log, silentLog } from '../util/log.js';

/** TLS material, PEM, as a text or as bytes; not the names of files. */
export interface TlsMaterial {
  /** Trust servers that one of these certificates vouches for. */
  readonly ca?: string | Uint8Array | undefined;
  /** Our certificate. */
  readonly cert?: string | Uint8Array | undefined;
  /** Its private key. Secret. */
  readonly key?: string | Uint8Array | undefined;
}

/** What a connection to a lock service is like. Nothing of it is taken from the environment. */
export interface ConnectOptions {
  /**
   * Session timeout, or time to live of a key, to ask the service for; `'15s'` if absent. After a crash of this program,
   * others wait about so long for its locks.
   */
  readonly ttl?: Duration | undefined;
  /**
   * What the names of locks are below: `lockex` if absent, as with the command line, so that `locks.lock('backup')` and
   * `lockex -i backup` exclude each other.
   */
  readonly namespace?: string | undefined;
  /** How long `acquire` waits for a lock unless it is told otherwise; for ever if absent. */
  readonly timeout?: Duration | undefined;
  /**
   * About how often a waiter asks again where the service cannot tell it that a lock became free, which is so with memcached
   * alone; from 50 to 250 ms if absent.
   */
  readonly retryInterval?: Duration | undefined;
  /**
   * Of the time of a lease, how much is kept for ending the work when it is being lost: the time between `lost` and the
   * moment from which another may hold the lock. A sixth of `ttl` if absent.
   */
  readonly lossGrace?: Duration | undefined;
  /** How long a connection may take, the first one as those after a session has ended; `ttl` if absent. */
  readonly connectTimeout?: Duration | undefined;
  /** `user:password`. Secret. */
  readonly login?: string | undefined;
  /** ZooKeeper: who may touch what we make, anybody or only who has our login; `open` if absent. */
  readonly acl?: 'open' | 'creator' | undefined;
  /** TLS with this material; `{}` for TLS by what Node trusts. */
  readonly tls?: TlsMaterial | undefined;
  /** Where lines go about connections that end and come again: a pino logger, or what has its methods. Silent if absent. */
  readonly log?: Log | undefined;
  /** Gives up connecting. It has no effect once connected. */
  readonly signal?: AbortSignal | undefined;
}

/** The options, read. */
export interface LockSettings {
  readonly namespace: string;
  readonly timeoutMs: number | undefined;
  readonly lossGraceMs: number | undefined;
  readonly open: OpenOptions;
  readonly clock: Clock;
  readonly log: Log;
}

const DEFAULT_TTL = '15s';
/** What the command line calls --lockpath has this default, too. */
const DEFAULT_NAMESPACE = 'lockex';

/** @throws UsageError naming the option that cannot be used */
export function readOptions(options: ConnectOptions): LockSettings {
  const { namespace = DEFAULT_NAMESPACE, log = silentLog, login, acl, tls } = options;
  const wrong =
    typeof namespace === 'string'
      ? (whatIsWrongWith(namespace) ?? whatIsWrongWithParent(namespace))
      : 'it is no text';
  if (wrong !== undefined) {
    throw new UsageError(
      `namespace: expected names joined by "/", got ${JSON.stringify(namespace)}: ${wrong}`,
    );
  }
  if (login !== undefined && !login.includes(':')) {
    throw new UsageError('login: expected user:password, got a text without a colon');
  }
  const clock = systemClock;
  const ttlMs = millisecondsOf('ttl', options.ttl ?? DEFAULT_TTL, 1);
  const retryEveryMs = optionalMs('retryInterval', options.retryInterval, 1);
  return {
    namespace,
    timeoutMs: optionalMs('timeout', options.timeout, 0),
    lossGraceMs: optionalMs('lossGrace', options.lossGrace, 0),
    open: {
      ttlMs,
      connectLimitMs: optionalMs('connectTimeout', options.connectTimeout, 1) ?? ttlMs,
      connectAttempts: Number.POSITIVE_INFINITY,
      ...(login === undefined ? {} : { login: Buffer.from(login) }),
      ...(acl === undefined ? {} : { acl }),
      ...(tls === undefined ? {} : { tls: bytesOf(tls) }),
      ...(retryEveryMs === undefined ? {} : { retryEveryMs }),
      clock,
      log,
    },
    clock,
    log,
  };
}

/**
 * Milliseconds of a duration that need not be given.
 * @throws UsageError as `millisecondsOf`
 */
export function optionalMs(
  name: string,
  duration: Duration | undefined,
  leastMs: number,
): number | undefined {
  return duration === undefined ? undefined : millisecondsOf(name, duration, leastMs);
}

function bytesOf({ ca, cert, key }: TlsMaterial): NonNullable<OpenOptions['tls']> {
  return {
    ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
    ...(cert === undefined ? {} : { cert: Buffer.from(cert) }),
    ...(key === undefined ? {} : { key: Buffer.from(key) }),
  };
}
