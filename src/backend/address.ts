import { isIPv6 } from 'node:net';
import { UsageError } from '../util/errors.js';

/** One server of a service. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** What stands behind the scheme of a URL. */
export interface Address {
  readonly servers: readonly Server[];
  /** `user:password` as it stood before an `@`, decoded; a secret. */
  readonly login: string | undefined;
  /** From the first slash on, without the one at its end; `''` if there is none. */
  readonly path: string;
}

/** The words of messages, and what is meant when no port is given. */
export interface AddressOf {
  /** `ZooKeeper`, `etcd` */
  readonly service: string;
  readonly defaultPort: number;
  /** Whether a path may have an "@" in it; otherwise one there is taken for that of a login, whose password has a slash. */
  readonly atInPath?: boolean;
}

/** `[v6]`, `[v6]:port`, `host`, `host:port`; a bare IPv6 address has more than one colon and is taken whole. */
const SERVER = /^(?:\[(?<bracketed>[^\]]+)\]|(?<bare>[^:\s[\]]+))(?::(?<port>[^:]*))?$/;

/**
 * Reads `[user:password@]host:port,…[/path]`, spaces allowed around each server, IPv6 addresses bare or in brackets. A login
 * ends with the last `@` before the first slash, as in any URL.
 * @throws UsageError naming the part that cannot be read, and never the login
 */
export function parseAddress(address: string, of: AddressOf): Address {
  const at = /^([^/]*)@/.exec(address);
  const rest = address.slice(at?.[0].length ?? 0);
  const slash = rest.indexOf('/');
  if (rest.includes('@') && of.atInPath !== true) throw oddLogin(of);
  return {
    servers: parseServers(slash < 0 ? rest : rest.slice(0, slash), rest, of),
    login: at === null ? undefined : decodeLogin(at[1] ?? '', of),
    path: slash < 0 ? '' : rest.slice(slash).trim().replace(/\/+$/, ''),
  };
}

function parseServers(list: string, rest: string, of: AddressOf): Server[] {
  const parts = list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) throw unreadable('host:port[,host:port…]', rest, of);
  try {
    return parts.map((part) => parseServer(part, of));
  } catch (error) {
    // What cannot be read is shown, unless it may be the beginning of a login whose password has a slash.
    throw rest.includes('@') ? oddLogin(of) : error;
  }
}

/** The way a server is written in messages. */
export function showServer(server: Server): string {
  return server.host.includes(':') ? `[${server.host}]:${server.port}` : `${server.host}:${server.port}`;
}

function decodeLogin(text: string, of: AddressOf): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw oddLogin(of);
  }
}

function oddLogin({ service }: AddressOf): UsageError {
  return new UsageError(
    `${service} address: expected user:password before "@" with %-codes for odd characters`,
    { hint: '"/" is written %2F, "@" %40, "%" %25' },
  );
}

function parseServer(part: string, of: AddressOf): Server {
  // Node's test takes 5 ms the first time: only what may be such an address is put to it.
  if (/:.*:/.test(part) && isIPv6(part)) return { host: part, port: of.defaultPort };
  const groups = SERVER.exec(part)?.groups;
  const bracketed = groups?.['bracketed'];
  const host = bracketed === undefined || isIPv6(bracketed) ? (bracketed ?? groups?.['bare']) : undefined;
  if (host === undefined) throw unreadable('host, host:port or [ipv6]:port', part, of);
  return { host, port: parsePort(groups?.['port'], part, of) };
}

function parsePort(text: string | undefined, part: string, of: AddressOf): number {
  if (text === undefined) return of.defaultPort;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw unreadable('a port from 1 to 65535', part, of);
  return port;
}

function unreadable(expected: string, came: string, { service }: AddressOf): UsageError {
  return new UsageError(`${service} address: expected ${expected}, got ${JSON.stringify(came)}`);
}
