import { after, before } from 'node:test';
import { readEvidence } from '../../src/backend/evidence.js';
import { openRedis } from '../../src/backend/redis/index.js';
import { contractSuite } from '../../src/testing/suite.js';
import { systemClock } from '../../src/util/clock.js';
import { silentLog } from '../../src/util/log.js';
import { type RedisServer, startRedis } from '../helpers/redis.js';

const TTL_MS = 4000;
const never = new AbortController().signal;
let servers: readonly RedisServer[] = [];

before(async () => {
  servers = await Promise.all([1, 2, 3].map(() => startRedis()));
  // One that was just started grants nothing.
  await Promise.all(servers.map((server) => server.grown(TTL_MS)));
});
after(async () => {
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
});

for (const count of [1, 3]) {
  contractSuite(count === 1 ? 'the redis backend' : `the redis backend with ${count} masters`, async () => {
    const used = servers.slice(0, count);
    const options = {
      ttlMs: TTL_MS,
      connectLimitMs: 10_000,
      connectAttempts: Number.POSITIVE_INFINITY,
      clock: systemClock,
      log: silentLog,
    };
    return {
      open: () => openRedis(used.map(({ address }) => address).join(','), options, never),
      /** An admin deletes the key: the one thing that the world can do to one lease alone. */
      async sabotage(_backend, lease) {
        const key = readEvidence(lease.evidence ?? '')('key');
        await Promise.all(used.map((server) => server.cli('DEL', key)));
      },
      residue: async () => (await Promise.all(used.map((server) => server.keys()))).flat(),
      async cleanup() {},
    };
  });
}
