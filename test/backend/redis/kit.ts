import type { Claim, Lease, LockBackend } from '../../../src/backend/contract.js';
import { openRedis, type RedisOpenOptions } from '../../../src/backend/redis/index.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';

export const never = new AbortController().signal;

/** A timeout that a busy machine keeps. */
export const TTL_MS = 4000;

export function openOptions(part: Partial<RedisOpenOptions> = {}): RedisOpenOptions {
  return {
    ttlMs: TTL_MS,
    connectLimitMs: 10_000,
    connectAttempts: Number.POSITIVE_INFINITY,
    clock: systemClock,
    log: silentLog,
    ...part,
  };
}

export function openAt(address: string, part: Partial<RedisOpenOptions> = {}): Promise<LockBackend> {
  return openRedis(address, openOptions(part), never);
}

export function claimOf(part: Partial<Claim> = {}): Claim {
  const identity = { host: 'host.example', pid: 42, command: 'serve' };
  return { resource: 'test/r', permits: 1, mode: 'exclusive', identity, ...part };
}

export function acquire(backend: LockBackend, part: Partial<Claim> = {}): Promise<Lease> {
  return backend.acquire(claimOf(part), never);
}

export function tryAcquire(backend: LockBackend, part: Partial<Claim> = {}): Promise<Lease | undefined> {
  return backend.tryAcquire(claimOf(part), never);
}

/** A lease, with the time of the clock at which it came. */
export async function timed(lease: Promise<Lease>): Promise<{ readonly lease: Lease; readonly at: number }> {
  return { lease: await lease, at: systemClock.now() };
}
