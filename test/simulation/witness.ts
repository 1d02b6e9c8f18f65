import type { CommandTree } from './command-tree.js';
import type { LockNode } from './server.js';
import type { Timeline } from './timeline.js';

/** A promise that was broken. */
export class Violation extends Error {}

interface Started {
  readonly who: string;
  readonly token: bigint;
  readonly tree: CommandTree;
}

/** Sees every tree start and end, and says when a promise is broken. */
export class Witness {
  readonly #timeline: Timeline;
  readonly #permits: number;
  readonly #agreed: ReadonlyMap<string, LockNode>;
  #alive: Started[] = [];
  #lastToken = -1n;
  #lastDeath = Number.NEGATIVE_INFINITY;
  starts = 0;
  /** The shortest time between the death of one tree and the start of the next, ms; one permit only. */
  closest = Number.POSITIVE_INFINITY;
  violation: Violation | undefined;

  constructor(timeline: Timeline, permits: number, agreed: ReadonlyMap<string, LockNode>) {
    this.#timeline = timeline;
    this.#permits = permits;
    this.#agreed = agreed;
  }

  get alive(): number {
    return this.#alive.length;
  }

  started(who: string, token: bigint, path: string, tree: CommandTree): void {
    this.starts += 1;
    this.#timeline.say?.(`${who} starts its command, token ${token}`);
    const holders = [...this.#agreed.values()].slice(0, this.#permits);
    if (!holders.some((node) => node.path === path)) {
      this.broken(`${who} started its command without owning the lock`);
    }
    // Of several permits, the later one granted may be the earlier one used.
    if (this.#permits === 1 && token <= this.#lastToken) {
      this.broken(`the fencing token of ${who} is ${token}, after ${this.#lastToken}`);
    }
    this.#lastToken = token;
    const started: Started = { who, token, tree };
    this.#alive.push(started);
    if (this.#alive.length > this.#permits) {
      const names = this.#alive.map((one) => one.who).join(' and ');
      this.broken(`${names} run at the same time, with ${this.#permits} permit(s)`);
    }
    if (this.#permits === 1) this.closest = Math.min(this.closest, this.#timeline.now - this.#lastDeath);
    tree.onGone(() => {
      this.#timeline.say?.(`${who}'s tree is dead`);
      this.#lastDeath = this.#timeline.now;
      this.#alive = this.#alive.filter((one) => one !== started);
    });
  }

  broken(what: string): void {
    this.#timeline.say?.(`BROKEN: ${what}`);
    this.violation ??= new Violation(what);
  }
}
