import { keysOf } from '../../../src/backend/redis/keys.js';
import { startRedis } from '../redis.js';
import type { LockService } from './service.js';

/**
 * Masters of redis that know nothing of each other, old enough to grant.
 * @param ttlMs the timeout of who will ask
 */
export async function redisService(size: 1 | 3, ttlMs: number): Promise<LockService> {
  const servers = await Promise.all(Array.from({ length: size }, () => startRedis()));
  await Promise.all(servers.map((server) => server.grown(ttlMs)));
  return {
    servers: servers.map((server) => ({
      address: server.address,
      kill: () => server.kill(),
      stop: () => server.kill(),
      launch: () => server.start(),
      freeze: () => server.freeze(),
      thaw: () => server.thaw(),
    })),
    urlOf: (addresses) => `redis://${addresses.join(',')}`,
    async serves() {
      for (const server of servers) await server.cli('PING');
    },
    async deleteLock(resource) {
      for (const server of servers) await server.cli('DEL', keysOf(resource).lock);
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]();
    },
  };
}
