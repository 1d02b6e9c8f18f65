import type { Child, ExitStatus, SignalName } from '../../src/child/child.js';
import { aborted } from '../../src/util/abort.js';
import type { CommandTree } from './command-tree.js';
import type { Guardian } from './guardian.js';
import type { Process } from './process.js';
import type { Rules } from './rules.js';

export interface GuardedChildOptions {
  readonly supervisor: Process;
  readonly tree: CommandTree;
  readonly guardian: Guardian | undefined;
  /** Aborts when the guardian is lost. */
  readonly unguarded: AbortSignal;
  /** Whose the permit is. */
  readonly session: number;
  readonly rules: Rules;
}

/** The command as the supervisor has it in hand. */
export class GuardedChild implements Child {
  readonly pid = 4242;
  readonly group = 'own';
  readonly exited: Promise<ExitStatus>;
  readonly #supervisor: Process;
  readonly #tree: CommandTree;
  readonly unguarded: AbortSignal;
  readonly #session: number;
  readonly #guardian: Guardian | undefined;
  readonly #rules: Rules;

  constructor({ supervisor, tree, guardian, unguarded, session, rules }: GuardedChildOptions) {
    this.#supervisor = supervisor;
    this.#tree = tree;
    this.#guardian = guardian;
    this.unguarded = unguarded;
    this.#session = session;
    this.#rules = rules;
    this.exited = new Promise((resolve) => {
      tree.onExit((status) => supervisor.run(() => resolve(status)));
    });
  }

  signal(name: SignalName): void {
    const guardian = this.#guardian;
    this.#supervisor.effect(() => {
      const byGuardian = name === 'SIGKILL' && !this.#rules.killsPastGuardian;
      if (byGuardian && guardian !== undefined && guardian.process.state !== 'dead') {
        guardian.kill();
        guardian.process.onDeath(() => this.#supervisor.run(() => this.#tree.signal('SIGKILL')));
      } else this.#tree.signal(name);
    });
  }

  keep(killAt: number): void {
    this.#supervisor.effect(() => this.#guardian?.keep(this.#session, killAt));
  }

  isSuspended(): boolean {
    return false;
  }

  async stop(name: SignalName, patience: AbortSignal): Promise<void> {
    if (patience.aborted) this.signal('SIGKILL');
    else {
      this.signal(name);
      void aborted(patience).then(() => this.signal('SIGKILL'));
    }
    await this.exited;
    if (!this.#rules.waitsForTree) return;
    await new Promise<void>((resolve) => {
      this.#tree.onGone(() => this.#supervisor.run(resolve));
    });
  }
}
