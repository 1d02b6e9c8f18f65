import { etcdService } from '../../helpers/lock-services/etcd.js';
import { memcachedService } from '../../helpers/lock-services/memcached.js';
import { redisService } from '../../helpers/lock-services/redis.js';
import { PlainService } from './plain.js';
import { runningServers } from './running.js';
import type { ChaosService } from './service.js';
import { ZooKeeperService } from './zookeeper.js';

/** By scheme: servers of our own. */
const STARTS: Readonly<Record<string, (ttlMs: number) => Promise<ChaosService>>> = {
  'zk:': () => ZooKeeperService.start(),
  'etcd:': async () => new PlainService(await etcdService(3), { fencing: true, slackMs: 3000 }),
  'redis:': async (ttlMs) =>
    new PlainService(await redisService(1, ttlMs), { fencing: true, slackMs: 3000 + ttlMs }),
  'redis-masters:': async (ttlMs) =>
    new PlainService(await redisService(3, ttlMs), { fencing: false, slackMs: 3000 + ttlMs }),
  'memcached:': async (ttlMs) =>
    new PlainService(await memcachedService(ttlMs), { fencing: false, slackMs: 5000 + ttlMs }),
};

/** What servers that we know nothing of may take to grant a lock again, ms. */
const UNKNOWN_SLACK_MS = 5000;

/**
 * The service that chaos is to happen to.
 * @param ttlMs the timeout of the contenders: a server of some kinds grants nothing until it is older
 * @param url a scheme with a colon, for servers of our own; or a whole URL, of servers that run already
 */
export async function startService(url: string, ttlMs: number): Promise<ChaosService> {
  if (url.includes('://')) {
    return new PlainService(runningServers(url), { fencing: true, slackMs: UNKNOWN_SLACK_MS, faults: [] });
  }
  const start = STARTS[url];
  if (start !== undefined) return start(ttlMs);
  throw new Error(`--url: expected one of ${Object.keys(STARTS).join(' ')}, or a whole URL, got ${url}`);
}
