import type { LockBackend } from '../backend/contract.js';
import { openBackend, serviceOf } from '../backend/registry.js';
import { abortAt, firstOf, orAborted } from '../util/abort.js';
import { ServiceUnreachableError, UsageError } from '../util/errors.js';
import { type OwnClient, openingByClient } from './clients.js';
import type { LockSettings } from './options.js';

/**
 * Opens a session with a lock service of one's own; a new one each time that the last one has ended.
 * @param signal aborts when nobody wants it any more, or when `connectTimeout` has passed. A session that comes after that is
 *   closed at once.
 * @throws ServiceUnreachableError, NotPermittedError; anything else that is thrown reaches the program as it is
 */
export type OpenBackend = (signal: AbortSignal) => Promise<LockBackend>;

/**
 * Where the locks are.
 * - a URL: `zk://host:port,…[/chroot]`, `file:///directory`, `memory:` and the others of the README
 * - a client of one's own: `{ redis: client }`, `{ etcd: client }`, `{ memcached: client }`
 * - a backend of one's own: it is used as it is, and closed by whoever made it
 * - a function that opens one: what it has opened is closed, and it is asked again when a session has ended
 */
export type Where = string | OwnClient | LockBackend | OpenBackend;

/** How sessions come to be. */
export interface Opening {
  readonly open: OpenBackend;
  /** Whether what was opened is ours to close. */
  readonly owned: boolean;
}

/**
 * @throws UsageError for a URL that cannot be read, options that the service does not take, a timing that cannot hold
 */
export function openingOf(where: Where, settings: LockSettings): Opening {
  if (typeof where === 'string') return openingOfUrl(where, settings);
  if (typeof where === 'function') return { open: inTime(where, settings), owned: true };
  // A program without type checks, whose variable with the URL is not set, comes here with nothing.
  if (typeof where !== 'object' || where === null) {
    throw new UsageError(`expected a URL, a client, a backend or a function that opens one, got ${where}`);
  }
  if ('acquire' in where) return { open: async () => where, owned: false };
  return { open: openingByClient(where, settings), owned: true };
}

/** Whoever asked waits no longer than he said, whether `open` heeds its signal or not. */
function inTime(open: OpenBackend, { open: { connectLimitMs }, clock }: LockSettings): OpenBackend {
  return async (signal) => {
    const limit = abortAt(
      clock.now() + connectLimitMs,
      clock,
      () => new ServiceUnreachableError(`no session within ${connectLimitMs / 1000} s`),
    );
    const over = firstOf([signal, limit.signal]);
    const opening = (async () => open(over.signal))();
    try {
      return await orAborted(opening, over.signal);
    } catch (error) {
      // Where it was `open` that failed, there is nothing to close.
      opening.then((late) => late[Symbol.asyncDispose]()).catch(() => {});
      throw error;
    } finally {
      over.end();
      limit.cancel();
    }
  };
}

function openingOfUrl(url: string, { open, lossGraceMs }: LockSettings): Opening {
  const service = serviceOf(url);
  service.servers(url);
  service.budget(open.ttlMs, lossGraceMs);
  for (const name of ['login', 'acl', 'tls'] as const) {
    if (open[name] !== undefined && !service.takes[name]) {
      throw new UsageError(`${name}: expected a service that takes it, got ${service.name}`);
    }
  }
  if (open.acl === 'creator' && open.login === undefined) {
    throw new UsageError("acl: expected a login with 'creator', got none");
  }
  return { open: (signal) => openBackend(url, open, signal), owned: true };
}
