import type { LockBackend } from '../backend/contract.js';
import { openZooKeeper } from '../backend/zookeeper/index.js';
import type { Clock } from '../util/clock.js';
import type { Log } from '../util/log.js';
import { readCredentials } from './credentials.js';
import type { Service } from './service.js';

export function connect(
  url: string,
  service: Service,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<LockBackend> {
  const { ttlMs, connectLimitMs, connectAttempts, acl } = service;
  return openZooKeeper(
    url.slice(5),
    { ttlMs, connectLimitMs, connectAttempts, acl, ...readCredentials(service), clock, log },
    signal,
  );
}
