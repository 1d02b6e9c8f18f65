import { parseAddress } from '../../../src/backend/address.js';
import { addressOf } from '../../../src/backend/registry.js';
import type { LockService } from '../../helpers/lock-services/service.js';

/**
 * Servers that run already, which nobody breaks: only the way to them, and whoever uses it.
 * @param url `etcd://127.0.0.1:2379`, servers of this host
 */
export function runningServers(url: string): Omit<LockService, 'deleteLock'> {
  const { servers, path } = parseAddress(addressOf(url), { service: 'chaos', defaultPort: 0 });
  const scheme = url.slice(0, url.indexOf(':'));
  const untouched = async (): Promise<never> => {
    throw new Error(`${url} is not ours to break`);
  };
  return {
    servers: servers.map(({ host, port }) => ({
      address: `${host}:${port}`,
      kill: untouched,
      stop: untouched,
      launch: untouched,
      freeze: untouched,
      thaw: () => void untouched(),
    })),
    urlOf: (addresses) => `${scheme}://${addresses.join(',')}${path}`,
    serves: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
