import type { Claim, Contender, Lease } from '../../../src/backend/contract.js';
import {
  type MemcachedBackend,
  type MemcachedRules,
  openMemcached,
} from '../../../src/backend/memcached/index.js';
import type { OpenOptions } from '../../../src/backend/open-options.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { type Log, silentLog } from '../../../src/util/log.js';

export const never = new AbortController().signal;
export const TTL_MS = 5000;

export function options(part: Partial<OpenOptions> = {}): OpenOptions {
  return {
    ttlMs: TTL_MS,
    connectLimitMs: 10_000,
    connectAttempts: Number.POSITIVE_INFINITY,
    clock: systemClock,
    log: silentLog,
    ...part,
  };
}

export function open(
  address: string,
  part: Partial<OpenOptions> = {},
  rules: MemcachedRules = {},
): Promise<MemcachedBackend> {
  return openMemcached(address, options(part), never, rules);
}

/** A claim to `test/NAME`. */
export function claim(name: string, part: Partial<Claim> = {}): Claim {
  return {
    resource: `test/${name}`,
    permits: 1,
    mode: 'exclusive',
    identity: { host: 'host.example', pid: 4711, command: 'true' },
    ...part,
  };
}

/** One that waits for a lock, seen to wait, and when it got it. */
export class Waiter {
  readonly told: (readonly Contender[])[] = [];
  readonly lease: Promise<Lease>;
  grantedAt: number | undefined;

  constructor(backend: MemcachedBackend, wanted: Claim) {
    const onQueue = (contenders: readonly Contender[]) => void this.told.push(contenders);
    this.lease = backend.acquire({ ...wanted, onQueue }, never).then((lease) => {
      this.grantedAt = systemClock.now();
      return lease;
    });
    // Whoever waits for it hears of a failure.
    this.lease.catch(() => {});
  }

  static async start(backend: MemcachedBackend, wanted: Claim): Promise<Waiter> {
    const waiter = new Waiter(backend, wanted);
    await until(() => waiter.told.length > 0, 'it waits');
    return waiter;
  }

  /** Resolves to when it was granted, monotonic ms. */
  granted(limitMs: number): Promise<number> {
    return until(() => this.grantedAt, 'the waiter is granted the lock', limitMs);
  }
}

/** A log, and its warnings. */
export function listening(): { readonly log: Log; readonly warnings: string[] } {
  const warnings: string[] = [];
  return { log: { ...silentLog, warn: (_, message) => void warnings.push(message) }, warnings };
}
