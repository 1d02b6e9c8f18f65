import { after, before } from 'node:test';
import { openMemcached } from '../../src/backend/memcached/index.js';
import { contractSuite } from '../../src/testing/suite.js';
import { systemClock } from '../../src/util/clock.js';
import { silentLog } from '../../src/util/log.js';
import { type Memcached, startMemcached } from '../helpers/memcached.js';

const TTL_MS = 8000;
let memcached: Memcached;

before(async () => {
  memcached = await startMemcached();
  await memcached.settled(TTL_MS);
});
after(() => memcached[Symbol.asyncDispose]());

contractSuite('the memcached backend', async () => {
  const options = {
    ttlMs: TTL_MS,
    connectLimitMs: 10_000,
    connectAttempts: Number.POSITIVE_INFINITY,
    clock: systemClock,
    log: silentLog,
  };
  return {
    open: () => openMemcached(memcached.address, options, new AbortController().signal),
    /** An admin deletes the key: the one thing that the world can do to one lease alone. */
    async sabotage(_backend, lease) {
      const { key }: { key: string } = JSON.parse(lease.evidence ?? '');
      await memcached.delete(key);
    },
    residue: () => memcached.keys(),
    async cleanup() {},
  };
});
