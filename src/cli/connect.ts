import type { LockBackend } from '../backend/contract.js';
import { openBackend } from '../backend/registry.js';
import type { Clock } from '../util/clock.js';
import type { Log } from '../util/log.js';
import { readCredentials } from './credentials.js';
import type { Service } from './service.js';

/**
 * Opens a session with the service.
 * @param url where it is, whether it was given or found
 * @throws what `openBackend` throws; UsageError for credentials that cannot be used
 */
export function connect(
  url: string,
  service: Omit<Service, 'url' | 'chosenBy' | 'traits' | 'budget'>,
  world: { readonly clock: Clock; readonly log: Log; readonly askOnly?: boolean },
  signal: AbortSignal,
): Promise<LockBackend> {
  const { ttlMs, connectLimitMs, connectAttempts, acl } = service;
  const options = { ttlMs, connectLimitMs, connectAttempts, acl, ...readCredentials(service), ...world };
  return openBackend(url, options, signal);
}
