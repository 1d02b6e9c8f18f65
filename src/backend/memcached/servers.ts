import { UsageError } from '../../util/errors.js';
import { sha256 } from '../../util/sha256.js';
import { parseAddress, type Server } from '../address.js';

/** A list of servers is never empty. */
export type Servers = readonly [Server, ...Server[]];

/**
 * Reads `host:port,…`, spaces allowed around each server, IPv6 addresses bare or in brackets.
 * @throws UsageError naming the part that cannot be read, or what memcached has no use for
 */
export function parseServers(address: string): Servers {
  const { servers, login, path } = parseAddress(address, { service: 'memcached', defaultPort: 11_211 });
  if (login !== undefined) {
    throw new UsageError('memcached address: expected host:port,…, got a login before "@"', {
      hint: 'lockex speaks to memcached without SASL',
    });
  }
  if (path !== '') {
    throw new UsageError(`memcached address: expected host:port,…, got ${JSON.stringify(path)} behind it`);
  }
  // An address without a server was refused above.
  return servers as unknown as Servers;
}

/** How many hex digits of the digest choose the server: 48 bits are an exact number. */
const CHOOSING_DIGITS = 12;

/**
 * The server that has the locks of a resource. Every contender must be given the same servers in the same order: a
 * client library's way of spreading keys plays no part, since it would be another one in the next library.
 */
export function serverOf(resource: string, servers: Servers): Server {
  const number = Number.parseInt(sha256(resource).slice(0, CHOOSING_DIGITS), 16);
  return servers[number % servers.length] ?? servers[0];
}
