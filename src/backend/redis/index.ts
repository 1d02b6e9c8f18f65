import { isIP } from 'node:net';
import type { Redis } from 'ioredis';
import { UsageError } from '../../util/errors.js';
import { type Server, showServer } from '../address.js';
import type { LockBackend } from '../contract.js';
import type { OpenOptions } from '../open-options.js';
import { loadOptional } from '../optional.js';
import { parseLogin, parseRedis } from './address.js';
import { type Door, RedisBackend } from './backend.js';
import { clientOptions, listenerOptions } from './client-options.js';
import { Master } from './master.js';
import { Masters } from './masters.js';
import { Notices } from './notices.js';
import { onUnusedLogin } from './unused-login.js';

/** Like {@link OpenOptions}; `minUptimeS` weakens the rule for restarted servers and is for tests that show why it is there. */
export type RedisOpenOptions = OpenOptions & { readonly minUptimeS?: number };

/**
 * Opens a session with one master, or with a majority of several independent ones.
 * @param address `[user:password@]host:port,…[/db]`
 * @param options with `tls`, TLS is used
 * @throws UsageError for an address that cannot be read, a replica, or when ioredis is not installed
 * @throws ServiceUnreachableError when no majority answered in time
 * @throws NotPermittedError when the credentials are refused
 */
export async function openRedis(
  address: string,
  options: RedisOpenOptions,
  signal: AbortSignal,
): Promise<LockBackend> {
  const { servers, db, login: inUrl } = parseRedis(address);
  const login = inUrl ?? (options.login === undefined ? undefined : parseLogin(options.login.toString()));
  const { Redis } = await loadOptional('redis', 'ioredis', () => import('ioredis'));
  const { tls } = options;
  const clients = servers.map(({ host, port }) => {
    return new Redis({
      ...clientOptions(options.ttlMs, Math.random),
      host,
      port,
      db,
      ...(login?.user === undefined ? {} : { username: login.user }),
      ...(login === undefined ? {} : { password: login.password }),
      ...(tls === undefined ? {} : { tls: { ...(isIP(host) === 0 ? { servername: host } : {}), ...tls } }),
    });
  });
  return open(clients, options, signal);
}

/**
 * Opens a session with the server, or the servers, that clients of the caller's own are of. Their addresses and credentials
 * are used, over connections of our own, since theirs may send a command again long after it was given up. They are
 * neither used nor closed.
 * @throws as {@link openRedis}; UsageError for a client of a cluster, or one that follows sentinels
 */
export async function useRedis(
  clients: Redis | readonly Redis[],
  options: RedisOpenOptions,
  signal: AbortSignal,
): Promise<LockBackend> {
  const theirs = 'length' in clients ? clients : [clients];
  for (const [found, what] of [
    [theirs.some((client) => client.isCluster), 'one of a cluster'],
    [theirs.some((client) => client.options.sentinels), 'one that follows sentinels'],
  ] as const) {
    if (!found) continue;
    throw new UsageError(`expected clients of single redis masters, got ${what}`, {
      hint: 'a failover may lose a lock; several independent masters do not',
    });
  }
  const ours = theirs.map((client) => client.duplicate(clientOptions(options.ttlMs, Math.random)));
  return open(ours, options, signal);
}

async function open(
  clients: readonly Redis[],
  options: RedisOpenOptions,
  signal: AbortSignal,
): Promise<LockBackend> {
  const { ttlMs, connectLimitMs, clock, log, minUptimeS } = options;
  const servers = clients.map(serverOf);
  let unused = false;
  const quiet = (client: Redis) => {
    onUnusedLogin(client, () => {
      if (!unused) log.warn({}, 'this redis asks for no password: the login is not used');
      unused = true;
    });
    return client;
  };
  const masters = new Masters(
    clients.map((client) => new Master(showServer(serverOf(client)), quiet(client))),
  );
  try {
    await masters.open(options, signal);
  } catch (error) {
    masters.close();
    throw error;
  }
  const [first] = clients;
  const listen = () => clients.map((client) => quiet(client.duplicate(listenerOptions(ttlMs, Math.random))));
  return new RedisBackend({
    masters,
    notices: new Notices(listen),
    url: urlOf(servers, first),
    ttlMs,
    connectLimitMs,
    doors: clients.flatMap(doorOf),
    ...(minUptimeS === undefined ? {} : { minUptimeS }),
    clock,
    log,
  });
}

function serverOf({ options: { host = 'localhost', port = 6379 } }: Redis): Server {
  return { host, port };
}

function urlOf(servers: readonly Server[], first: Redis | undefined): string {
  const { tls, db = 0 } = first?.options ?? {};
  return `${tls === undefined ? 'redis' : 'rediss'}://${servers.map(showServer).join(',')}${db === 0 ? '' : `/${db}`}`;
}

/** Nobody but the client itself knows the way through a file. */
function doorOf(client: Redis): readonly Door[] {
  const { options } = client;
  if (options.path !== undefined) return [];
  const { username, password, db = 0, tls } = options;
  const door = {
    ...serverOf(client),
    tls: tls === undefined ? undefined : materialOf(tls),
    user: username ?? undefined,
    password: password ?? undefined,
    db,
  };
  return [door];
}

/** What of it is material; in the library's type, each may have other shapes than a buffer. */
function materialOf(tls: object): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const material: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  for (const [name, value] of Object.entries(tls)) {
    if (name !== 'ca' && name !== 'cert' && name !== 'key') continue;
    if (Buffer.isBuffer(value) || typeof value === 'string') material[name] = Buffer.from(value);
  }
  return material;
}
