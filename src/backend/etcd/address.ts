import { UsageError } from '../../util/errors.js';
import { parseAddress, type Server } from '../address.js';

/** Where a cluster is, and below which key everything of ours lives there. */
export interface Cluster {
  readonly servers: readonly Server[];
  /** `user:password`; a secret. */
  readonly login: string | undefined;
  /** `''`, or a path without a trailing slash. */
  readonly prefix: string;
}

/**
 * Reads `[user:password@]host:port,…[/prefix]`.
 * @throws UsageError naming the part that cannot be read
 */
export function parseCluster(address: string): Cluster {
  const { servers, login, path } = parseAddress(address, { service: 'etcd', defaultPort: 2379 });
  if (login !== undefined && !/^[^:]+:./.test(login)) {
    throw new UsageError('etcd address: expected user:password before "@", got something else');
  }
  return { servers, login, prefix: path };
}
