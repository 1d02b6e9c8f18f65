import { keyOf } from '../../../src/backend/memcached/key.js';
import { startMemcached } from '../memcached.js';
import type { LockService } from './service.js';

/**
 * One memcached, old enough to grant.
 * @param ttlMs the timeout of who will ask
 */
export async function memcachedService(ttlMs: number): Promise<LockService> {
  const memcached = await startMemcached();
  await memcached.settled(ttlMs);
  return {
    servers: [
      {
        address: memcached.address,
        kill: () => memcached.kill(),
        stop: () => memcached.kill(),
        launch: () => memcached.launch(),
        freeze: () => memcached.freeze(),
        thaw: () => memcached.thaw(),
      },
    ],
    urlOf: (addresses) => `memcached://${addresses.join(',')}`,
    async serves() {
      await memcached.stat('uptime');
    },
    deleteLock: (resource) => memcached.delete(keyOf(resource)),
    [Symbol.asyncDispose]: () => memcached[Symbol.asyncDispose](),
  };
}
