import type { ChaosService } from './service.js';
import { ZooKeeperService } from './zookeeper.js';

/** By scheme: servers of our own. */
const STARTS: Readonly<Record<string, () => Promise<ChaosService>>> = {
  zk: () => ZooKeeperService.start(),
};

/**
 * The service that chaos is to happen to.
 * @param url a scheme with a colon
 */
export function startService(url: string): Promise<ChaosService> {
  const start = STARTS[url.replace(/:$/, '')];
  if (start !== undefined) return start();
  throw new Error(`--url: expected one of ${Object.keys(STARTS).join(': ')}:, got ${url}`);
}
