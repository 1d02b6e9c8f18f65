import type { Farewell } from '../../child/child.js';
import { showServer } from '../address.js';
import type { LockBackend } from '../contract.js';
import type { OpenOptions } from '../open-options.js';
import { parseCluster } from './address.js';
import { EtcdBackend } from './backend.js';
import { type EtcdClient, loadClient, readLogin } from './client.js';
import { connect } from './connect.js';
import { Connections } from './connections.js';
import { farewellBytes, taken } from './farewell.js';
import { Session } from './session.js';
import { wholeSeconds } from './timing.js';

/** The longest that asking for a token may take, ms. */
const LOGIN_LIMIT_MS = 5000;

/**
 * Opens a session with a cluster.
 * @param address `[user:password@]host:port,…[/prefix]`; a login in it wins over that of the options
 * @throws UsageError for an address that cannot be read, and when the client library is not installed
 * @throws ServiceUnreachableError when no server answered for a quorum in time
 * @throws NotPermittedError when the credentials are refused
 */
export async function openEtcd(
  address: string,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<LockBackend> {
  const { servers, login: inUrl, prefix } = parseCluster(address);
  const { tls, clock, log } = options;
  let login = readLogin(inUrl ?? options.login?.toString('utf8'));
  let token: string | undefined;
  const makeClient = await loadClient(tls);
  const ways = servers.map((server) => ({
    server,
    dial() {
      const client = makeClient({ server, login, tls, limitMs: LOGIN_LIMIT_MS });
      const learnToken = async () => {
        if (login !== undefined) token = await client.token();
      };
      return { client, close: () => client.close(), answered: () => void learnToken().catch(() => {}) };
    },
  }));
  const connections = new Connections(ways, Math.floor(Math.random() * ways.length), log);
  const hasLogin = login !== undefined;
  const withoutLogin = () => {
    if (login !== undefined) log.warn({}, 'etcd has authentication switched off: the login is not used');
    login = undefined;
    return hasLogin;
  };
  const ttlMs = wholeSeconds(options.ttlMs);
  const session = new Session({ connections, ttlMs, clock, log, withoutLogin });
  try {
    await connect(session, connections, { ...options, anyKey: `${prefix}/` }, signal);
  } catch (error) {
    session.close(new Error('the session was not opened'));
    throw error;
  }
  const url = `etcd://${servers.map(showServer).join(',')}${prefix}`;
  const farewells = (keys: readonly string[]): readonly Farewell[] => {
    if (keys.length === 0 || (login !== undefined && token === undefined)) return [];
    const bytes = farewellBytes(keys, token);
    const secured = tls === undefined ? {} : { tls };
    return [{ addresses: connections.servers, bytes, taken: taken(keys.length), ...secured }];
  };
  return new EtcdBackend(session, { prefix, url, farewells });
}

/**
 * Locks over a client of the user's own, which stays open. Its retries, servers and credentials are its own; what it sends
 * again by itself only makes our deadlines earlier. A crash cannot be tidied up after: the ttl has to run out.
 * @param prefix `''`, or a path without a trailing slash
 */
export function useEtcd(
  client: EtcdClient,
  prefix: string,
  { ttlMs, clock, log }: Pick<OpenOptions, 'ttlMs' | 'clock' | 'log'>,
): LockBackend {
  const dial = () => ({ client, close() {}, answered() {} });
  const connections = new Connections([{ server: undefined, dial }], 0, log);
  const withoutLogin = () => false;
  const session = new Session({ connections, ttlMs: wholeSeconds(ttlMs), clock, log, withoutLogin });
  return new EtcdBackend(session, { prefix, url: 'etcd:', farewells: () => [] });
}
