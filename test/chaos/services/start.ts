import { PlainService } from './plain.js';
import { runningServers } from './running.js';
import type { ChaosService } from './service.js';
import { ZooKeeperService } from './zookeeper.js';

/** By scheme: servers of our own. */
const STARTS: Readonly<Record<string, () => Promise<ChaosService>>> = {
  'zk:': () => ZooKeeperService.start(),
};

/** What servers that we know nothing of may take to grant a lock again, ms. */
const UNKNOWN_SLACK_MS = 5000;

/**
 * The service that chaos is to happen to.
 * @param url a scheme with a colon, for servers of our own; or a whole URL, of servers that run already
 */
export async function startService(url: string): Promise<ChaosService> {
  if (url.includes('://')) {
    return new PlainService(runningServers(url), { fencing: true, slackMs: UNKNOWN_SLACK_MS, faults: [] });
  }
  const start = STARTS[url];
  if (start !== undefined) return start();
  throw new Error(`--url: expected one of ${Object.keys(STARTS).join(' ')}, or a whole URL, got ${url}`);
}
