import { UsageError } from '../../util/errors.js';
import { showServer } from '../address.js';
import type { OpenOptions } from '../open-options.js';
import { loadOptional } from '../optional.js';
import { MemcachedBackend, type MemcachedRules } from './backend.js';
import type { MakeNode } from './connection.js';
import { parseServers } from './servers.js';
import { checkSpan } from './timing.js';

export { MemcachedBackend, type MemcachedRules };

/**
 * Opens a session with memcached. Nothing is made there before a lock is asked for.
 *
 * Not promised: a lock that is thrown out for want of memory, deleted by an admin or flushed is another's at once, and
 * its holder learns of that at its next renewal, T/12 later. There is no fencing token: a counter would begin anew with
 * every restart. All contenders must be given the same servers in the same order, the same timeout and the same hold.
 * @param address `host:port,…`: a lock is on one of them, chosen by its name
 * @throws UsageError, ServiceUnreachableError, NotPermittedError; the reason of `signal`
 */
export async function openMemcached(
  address: string,
  options: OpenOptions,
  signal: AbortSignal,
  rules: MemcachedRules = {},
): Promise<MemcachedBackend> {
  const servers = parseServers(address);
  checkSpan('ttl', options.ttlMs);
  const { MemcacheNode } = await loadOptional('memcached', 'memcache', () => import('memcache'));
  // No timeout of its own: it would end a connection for being idle.
  const makeNode: MakeNode = ({ host, port }) => new MemcacheNode(host, port, { timeout: LONGEST_TIMER_MS });
  const backend = new MemcachedBackend(servers, makeNode, options, rules);
  try {
    await backend.reach(signal);
    return backend;
  } catch (error) {
    await backend[Symbol.asyncDispose]();
    throw error;
  }
}

/** Node's longest timer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** As much of a client of the npm package `memcache` as is used. */
export interface MemcacheClient {
  readonly nodes: readonly {
    readonly host: string;
    readonly port: number;
    readonly hasSaslCredentials: boolean;
  }[];
}

/**
 * Opens a session with the servers that a client knows, in its order. The client itself is neither used nor closed: a
 * connection whose answer is late has to be given up, with all that others have asked over it.
 * @throws UsageError for a client without servers, or with credentials; otherwise as {@link openMemcached}
 */
export async function useMemcached(
  client: MemcacheClient,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<MemcachedBackend> {
  if (client.nodes.some(({ hasSaslCredentials, port }) => hasSaslCredentials || port === 0)) {
    throw new UsageError('memcached client: expected servers at host:port and without SASL, got others');
  }
  return openMemcached(client.nodes.map(showServer).join(','), options, signal);
}
