import type { CommandTree } from './command-tree.js';
import type { LockNode } from './server.js';
import type { Timeline } from './timeline.js';

/**
 * A promise that was broken.
 * - `two-at-once`: more trees are alive than there are permits
 * - `not-owned`: a command was started whose node the ensemble no longer had
 * - `token`: a fencing token that did not rise
 * - `late`: a tree was alive after the deadline of its lease
 * - `idle`: nobody runs though somebody waits and nothing is out of order
 * - `needless`: a command was stopped for a silence that should have been ridden out
 * - `failed`: an error that nobody foresaw
 */
export type BrokenPromise = 'two-at-once' | 'not-owned' | 'token' | 'late' | 'idle' | 'needless' | 'failed';

/** What was started, and under which permit. */
export interface Started {
  readonly who: string;
  readonly token: bigint;
  readonly path: string;
  readonly tree: CommandTree;
  /** By how many ms the deadline of its lease has passed; negative before. */
  readonly overdueMs: () => number;
}

/** Sees every tree start and end, and keeps what was broken first of each kind. */
export class Witness {
  readonly #timeline: Timeline;
  readonly #permits: number;
  readonly #agreed: ReadonlyMap<string, LockNode>;
  #alive: Started[] = [];
  #lastToken = -1n;
  #lastDeath = Number.NEGATIVE_INFINITY;
  readonly broken = new Map<BrokenPromise, string>();
  starts = 0;
  /** The shortest time between the death of one tree and the start of the next, ms; one permit only. */
  closest = Number.POSITIVE_INFINITY;

  /** @param agreed the nodes that a quorum has agreed on, in order: the first of them are the permits */
  constructor(timeline: Timeline, permits: number, agreed: ReadonlyMap<string, LockNode>) {
    this.#timeline = timeline;
    this.#permits = permits;
    this.#agreed = agreed;
  }

  get alive(): number {
    return this.#alive.length;
  }

  started(started: Started): void {
    const { who, token, path, tree } = started;
    this.starts += 1;
    this.#timeline.say?.(`${who} starts its command, token ${token}`);
    const owners = [...this.#agreed.values()].slice(0, this.#permits);
    if (!owners.some((node) => node.path === path)) {
      this.breaks('not-owned', `${who} started its command without owning the lock`);
    }
    // Of several permits, the later one granted may be the earlier one used.
    if (this.#permits === 1 && token <= this.#lastToken) {
      this.breaks('token', `the fencing token of ${who} is ${token}, after ${this.#lastToken}`);
    }
    this.#lastToken = token;
    this.#alive.push(started);
    if (this.#alive.length > this.#permits) {
      const names = this.#alive.map((one) => one.who).join(' and ');
      this.breaks('two-at-once', `${names} run at the same time, with ${this.#permits} permit(s)`);
    }
    if (this.#permits === 1) this.closest = Math.min(this.closest, this.#timeline.now - this.#lastDeath);
    tree.onGone(() => this.#gone(started));
  }

  breaks(promise: BrokenPromise, how: string): void {
    this.#timeline.say?.(`BROKEN (${promise}): ${how}`);
    if (!this.broken.has(promise)) this.broken.set(promise, how);
  }

  #gone(started: Started): void {
    this.#timeline.say?.(`${started.who}'s tree is dead`);
    this.#lastDeath = this.#timeline.now;
    this.#alive = this.#alive.filter((one) => one !== started);
    const overdueMs = started.overdueMs();
    if (overdueMs > 0) this.breaks('late', `${started.who}'s tree outlived its lease by ${overdueMs} ms`);
  }
}
