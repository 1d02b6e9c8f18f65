import { isIPv6 } from 'node:net';
import { UsageError } from '../../util/errors.js';

/** One server of an ensemble. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** Where an ensemble is, and below which node everything of ours lives there. */
export interface Ensemble {
  readonly servers: readonly Server[];
  /** `''`, or a path without a trailing slash. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;

/** `[v6]`, `[v6]:port`, `host`, `host:port`; a bare IPv6 address has more than one colon and is taken whole. */
const SERVER = /^(?:\[(?<bracketed>[^\]]+)\]|(?<bare>[^:\s[\]]+))(?::(?<port>[^:]*))?$/;

/**
 * Reads `host:port,…[/chroot]`, spaces allowed around each server, IPv6 addresses bare or in brackets.
 * The client library's own parser knows neither spaces nor IPv6 and lets a bad port crash the process later.
 * @throws UsageError naming the part that cannot be read
 */
export function parseEnsemble(address: string): Ensemble {
  const slash = address.indexOf('/');
  const list = slash < 0 ? address : address.slice(0, slash);
  const servers = list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseServer);
  if (servers.length === 0) throw unreadable('host:port[,host:port…][/chroot]', address);
  return { servers, chroot: slash < 0 ? '' : parseChroot(address.slice(slash).trim()) };
}

/** The way a server is written in messages. */
export function showServer(server: Server): string {
  return server.host.includes(':') ? `[${server.host}]:${server.port}` : `${server.host}:${server.port}`;
}

function parseServer(part: string): Server {
  // Node's test takes 5 ms the first time: only what may be such an address is put to it.
  if (/:.*:/.test(part) && isIPv6(part)) return { host: part, port: DEFAULT_PORT };
  const groups = SERVER.exec(part)?.groups;
  const bracketed = groups?.['bracketed'];
  const host = bracketed === undefined || isIPv6(bracketed) ? (bracketed ?? groups?.['bare']) : undefined;
  if (host === undefined) throw unreadable('host, host:port or [ipv6]:port', part);
  return { host, port: parsePort(groups?.['port'], part) };
}

function parsePort(text: string | undefined, part: string): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw unreadable('a port from 1 to 65535', part);
  return port;
}

function parseChroot(text: string): string {
  const chroot = text.replace(/\/+$/, '');
  if (chroot === '') return '';
  const segments = chroot.split('/').slice(1);
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw unreadable('a chroot of plain node names, such as /app/locks', text);
  }
  return chroot;
}

function unreadable(expected: string, came: string): UsageError {
  return new UsageError(`ZooKeeper address: expected ${expected}, got ${JSON.stringify(came)}`);
}
