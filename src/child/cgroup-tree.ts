import { isPopulated, killLeaf } from './cgroup.js';
import type { SignalName } from './child.js';
import type { Pass, Tree } from './tree.js';

/**
 * A tree in a cgroup of its own. What is in it is found by looking over `/proc`, as far as that goes; SIGKILL goes to the
 * cgroup, and the kernel says when nobody is left.
 */
export class CgroupTree implements Tree {
  readonly #leaf: string;
  readonly #found: Tree;

  /** @param found the same tree, as it is found without the cgroup */
  constructor(leaf: string, found: Tree) {
    this.#leaf = leaf;
    this.#found = found;
  }

  forward(signal: SignalName): void {
    this.#found.forward(signal);
  }

  async sweep(...signals: readonly SignalName[]): Promise<Pass> {
    if (signals.includes('SIGKILL') && isPopulated(this.#leaf)) killLeaf(this.#leaf);
    const pass = await this.#found.sweep(...signals);
    if (pass.members.length > 0 || !isPopulated(this.#leaf)) return pass;
    const unseen = { pid: 0, startTime: 0, state: '?', command: `in ${this.#leaf}` };
    return { members: [unseen], undecided: pass.undecided };
  }

  rehearse(): void {
    this.#found.rehearse();
  }
}
