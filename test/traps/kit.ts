import type { LockBackend } from '../../src/backend/contract.js';
import { openZooKeeper } from '../../src/backend/zookeeper/index.js';
import { Bench } from '../../src/testing/bench.js';
import { systemClock } from '../../src/util/clock.js';
import { silentLog } from '../../src/util/log.js';
import { never } from '../backend/zookeeper/kit.js';
import type { Scope } from '../helpers/scope.js';

/**
 * The session timeout of contenders that must be woken: who waits looks of itself every third of it, and that is later than
 * any limit of these tests.
 */
export const LONG_MS = 300_000;

/** Servers that give such a one. */
export const PATIENT = { maxSessionTimeout: LONG_MS } as const;

/** How long to wait for what must happen; less than {@link LONG_MS} / 3. */
const LIMIT_MS = 12_000;

/** A session of its own with ZooKeeper, for the time of a scope. */
export function open(on: Scope, address: string, ttlMs = LONG_MS): Promise<LockBackend> {
  const options = { ttlMs, connectLimitMs: 10_000, connectAttempts: Number.POSITIVE_INFINITY };
  const session = openZooKeeper(address, { ...options, clock: systemClock, log: silentLog }, never);
  return on.use(session);
}

/** Contending in sessions that a test has opened. */
export function bench(): Bench {
  const none = () => Promise.reject(new Error('sessions are opened by the test'));
  return new Bench({
    open: none,
    sabotage: none,
    residue: async () => [],
    cleanup: async () => {},
    limitMs: LIMIT_MS,
  });
}
