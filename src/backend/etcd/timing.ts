import type { LeaseBudget } from '../../util/lease-deadline.js';
import { keyBudget } from '../lease-budget.js';

/** etcd's leases are of whole seconds: the next one up, ms. */
export function wholeSeconds(ttlMs: number): number {
  return Math.max(1, Math.ceil(ttlMs / 1000)) * 1000;
}

/**
 * The time line of a lease of which etcd gives the time to live that was asked for. It never ends one early: the leader
 * counts from when it granted or renewed it, and a new leader from when it took over.
 * @throws UsageError for a timing that cannot hold
 */
export function leaseBudget(ttlMs: number, lossGraceMs: number | undefined): LeaseBudget {
  return keyBudget(wholeSeconds(ttlMs), 0, lossGraceMs);
}
