import type { FaultKind } from './plan.js';

/** One fault, from its beginning to its healing. Times are `performance.now()` ms. */
export interface FaultEntry {
  readonly kind: FaultKind;
  /** A contender's name, or `servers`. */
  readonly target: string;
  readonly from: number;
  to: number | undefined;
}

/** What has been broken when. */
export class FaultLog {
  readonly entries: FaultEntry[] = [];

  begin(kind: FaultKind, target: string): FaultEntry {
    const entry: FaultEntry = { kind, target, from: performance.now(), to: undefined };
    this.entries.push(entry);
    return entry;
  }

  end(entry: FaultEntry): void {
    entry.to = performance.now();
  }

  /** How often each kind happened. */
  counts(): Map<FaultKind, number> {
    const counts = new Map<FaultKind, number>();
    for (const { kind } of this.entries) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts;
  }

  /**
   * Whether a loss of the lock at `at` has a reason: within two session timeouts before, a fault of the contender's
   * own or of the servers that was too long to be ridden out, or one of its processes that was struck.
   */
  explains(contender: string, at: number, ttlMs: number, rideOutMs: number): boolean {
    return this.entries.some(({ kind, target, from, to = at }) => {
      if (target !== contender && target !== 'servers') return false;
      if (to < at - 2 * ttlMs || from > at) return false;
      // A restarted or killed server costs an election, in which nothing is acknowledged.
      return !kind.startsWith('link') || to - from >= rideOutMs;
    });
  }
}
