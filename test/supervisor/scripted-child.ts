import type { Child, ExitStatus, Group, SignalName } from '../../src/child/child.js';
import { aborted } from '../../src/util/abort.js';

/** How a scripted command answers: the status that it ends with on a signal, or nothing to ignore it. */
export type Answers = Partial<Record<SignalName, ExitStatus>>;

/** A command that a test plays: it records what it is sent, and ends when it is told or as its answers say. */
export class ScriptedChild implements Child {
  readonly pid = 4242;
  group: Group = 'own';
  readonly exited: Promise<ExitStatus>;
  readonly received: SignalName[] = [];
  readonly #answers: Answers;
  readonly #onGone: () => void;
  /** Whether a descendant outlives the command until SIGKILL. */
  readonly #leftover: boolean;
  #end: (status: ExitStatus) => void = () => {};

  constructor(answers: Answers, onGone: () => void, leftover: boolean) {
    this.#answers = answers;
    this.#onGone = onGone;
    this.#leftover = leftover;
    this.exited = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  suspended = false;
  readonly #unguarded = new AbortController();
  /** When SIGKILL was due, as told at each renewal. */
  readonly kept: number[] = [];

  get unguarded(): AbortSignal {
    return this.#unguarded.signal;
  }

  /** The guardian is gone. */
  losesGuardian(): void {
    this.#unguarded.abort(new Error('the guardian ended'));
  }

  keep(killAt: number): void {
    this.kept.push(killAt);
  }

  isSuspended(): boolean {
    return this.suspended;
  }

  /** The command ends by itself. */
  ends(status: ExitStatus): void {
    this.#end(status);
  }

  signal(name: SignalName): void {
    this.received.push(name);
    const answer = name === 'SIGKILL' ? ({ how: 'killed', signal: 'SIGKILL' } as const) : this.#answers[name];
    if (answer !== undefined) this.#end(answer);
  }

  async stop(name: SignalName, patience: AbortSignal): Promise<void> {
    this.signal(name);
    const kill = aborted(patience).then(() => this.signal('SIGKILL'));
    await (this.#leftover ? kill : Promise.race([this.exited, kill]));
    await this.exited;
    this.#onGone();
  }
}
