import type { Etcd3, IOptions } from 'etcd3';
import { UsageError } from '../../util/errors.js';
import { type Server, showServer } from '../address.js';
import type { TlsOptions } from '../open-options.js';
import { loadOptional } from '../optional.js';

/**
 * The layer of the client library that we use: one call is one request. What lies above it hides resends and outages. Measured
 * with etcd3 1.1.2 on a server that fell silent: a `get` had neither an answer nor an error after 45 s, over the one
 * connection, which a second client of the same address was given, too; a watch noticed nothing; and a lease of 4 s was
 * called lost after 8.2 s, when another could have had it for 4 s.
 */
export type EtcdClient = Pick<Etcd3, 'kv' | 'leaseClient' | 'watchClient'>;

/** A client of one server, over a connection of its own. */
export interface OwnClient extends EtcdClient {
  /** The token that our requests carry, where there is a login; secret. */
  token(): Promise<string | undefined>;
  close(): void;
}

export interface ClientOptions {
  readonly server: Server;
  readonly login: { readonly username: string; readonly password: string } | undefined;
  readonly tls: TlsOptions | undefined;
  /** How long asking for a token may take, ms. */
  readonly limitMs: number;
}

export type MakeClient = (options: ClientOptions) => OwnClient;

/**
 * Loads the client library.
 * @throws UsageError when it is not installed
 */
export async function loadClient(tls: TlsOptions | undefined): Promise<MakeClient> {
  const { Etcd3: Library } = await loadOptional('etcd', 'etcd3', () => import('etcd3'));
  const authorities = tls === undefined ? undefined : (tls.ca ?? (await systemAuthorities()));
  let generation = 0;

  class Client extends Library implements OwnClient {
    token(): Promise<string | undefined> {
      return this.pool.withConnection('KV', ({ metadata }) => metadata.get('token')[0]?.toString());
    }
  }

  return ({ server, login, tls: material, limitMs }) => {
    generation += 1;
    const options: IOptions = {
      hosts: showServer(server),
      faultHandling: { host: () => ONCE, global: ONCE },
      grpcOptions: { ...CHANNEL, 'lockex.generation': generation },
      ...(login === undefined ? {} : { auth: { ...login, callOptions: () => within(limitMs) } }),
      ...(authorities === undefined || material === undefined
        ? {}
        : {
            credentials: {
              rootCertificate: authorities,
              ...(material.key === undefined ? {} : { privateKey: material.key }),
              ...(material.cert === undefined ? {} : { certChain: material.cert }),
            },
          }),
    };
    return new Client(options);
  };
}

/**
 * Options of a gRPC call that is given up after `ms`. For tidiness alone: gRPC takes it by the date, and what counts for us
 * is timed by the monotonic clock.
 */
export function within(ms: number): { readonly deadline: number } {
  return { deadline: Date.now() + ms };
}

/** No retries and no circuit breaker: whether and when something is sent again is ours to decide. */
const ONCE: NonNullable<NonNullable<IOptions['faultHandling']>['global']> = {
  execute: async (work, signal) => work({ signal: signal ?? new AbortController().signal }),
  onSuccess: () => ({ dispose() {} }),
  onFailure: () => ({ dispose() {} }),
  get _altReturn(): never {
    throw new Error('expected nobody to read what is there for the types alone');
  },
};

/**
 * gRPC keeps one connection per address for all the clients of a process whose options are equal, and one that has fallen
 * silent would be used again by the next client: `lockex.generation`, which means nothing to it, keeps them apart. (Not the
 * pool per channel that it has an option for: the library makes a channel for leases, one for keys and one for watches, and
 * what we conclude from one of them is to hold for all.)
 */
const CHANNEL = {
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
} as const;

/** What the library wants to be given when TLS is wanted: it takes no "as usual" beside a client certificate. */
async function systemAuthorities(): Promise<Buffer> {
  const { rootCertificates } = await import('node:tls');
  return Buffer.from(rootCertificates.join('\n'));
}

/**
 * Reads `user:password`.
 * @throws UsageError that does not show it
 */
export function readLogin(text: string | undefined): ClientOptions['login'] {
  if (text === undefined) return undefined;
  const colon = text.indexOf(':');
  if (colon < 1) throw new UsageError('etcd: expected user:password to log in with, got something else');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
