import treeKill from 'tree-kill';
import type { SignalName } from './child.js';
import type { Leader, Pass, Tree } from './tree.js';

/**
 * A tree on a host without `/proc` (macOS, Windows): `tree-kill` walks it, from parents to children. Never on
 * Linux, where it starts one `ps` per process and brings us down when there is none.
 *
 * Not promised: that what outlives its parents or the command is found; nothing leads to it any more.
 */
export class ForeignTree implements Tree {
  readonly #leader: Leader;
  readonly #command: string;

  constructor(leader: Leader, command: string) {
    this.#leader = leader;
    this.#command = command;
  }

  forward(signal: SignalName): void {
    if (!this.#leader.ended.aborted) treeKill(this.#leader.pid, signal, () => {});
  }

  /** Nothing here gets quicker by practice. */
  rehearse(): void {}

  async sweep(...signals: readonly SignalName[]): Promise<Pass> {
    const { pid, startTime } = this.#leader;
    for (const signal of signals) {
      if (this.#leader.ended.aborted) break;
      // What it could not kill shows by living on.
      await new Promise<void>((resolve) => treeKill(pid, signal, () => resolve()));
    }
    const members = this.#leader.ended.aborted
      ? []
      : [{ pid, startTime, state: '?', command: this.#command }];
    return { members, undecided: [] };
  }
}
