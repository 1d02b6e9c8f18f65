import { env as ownEnv } from 'node:process';
import type { Farewell } from '../child.js';
import { TREE_VARIABLE } from '../mark.js';
import type { Guardian } from './guardian.js';

/** The place of the guardian, which is never empty for long: one that somebody killed while we waited is replaced. */
export class GuardianPost {
  readonly #start: () => Guardian;
  #guardian: Guardian;
  #farewells: readonly Farewell[] = [];

  constructor(start: () => Guardian) {
    this.#start = start;
    this.#guardian = start();
  }

  /** What the guardian is to give the lock back with, this one and whoever comes after it. */
  entrust(farewells: readonly Farewell[]): void {
    this.#farewells = farewells;
    this.#guardian.entrust(farewells);
  }

  /** One that has not ended, as far as is known. */
  manned(): Guardian {
    if (this.#guardian.lost.aborted) {
      this.#guardian = this.#start();
      this.#guardian.entrust(this.#farewells);
    }
    return this.#guardian;
  }

  /** Lets the guardian go. Never rejects. */
  dismiss(): Promise<void> {
    return this.#guardian.dismiss();
  }
}

/**
 * The environment of a guardian: the marks of the runs around us, by which they find it. That of our own tree stands under
 * another name: a keeper of files waits for it, and nobody takes it for one of the tree.
 */
export function guardianEnvironment(treeId: string): NodeJS.ProcessEnv {
  const outer = ownEnv[TREE_VARIABLE];
  return { PATH: ownEnv['PATH'], LOCKEX_GUARDS: treeId, ...(outer ? { [TREE_VARIABLE]: outer } : {}) };
}
