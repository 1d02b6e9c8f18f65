import { aborted, delay } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import type { Log } from '../../util/log.js';
import type { Child, ExitStatus, Group, SignalName } from '../child.js';
import { endTree } from '../end-tree.js';
import { readProcess } from '../proc.js';
import { complainOf } from '../survivors.js';
import type { Leader, Tree } from '../tree.js';
import type { Guardian } from './guardian.js';
import { type Report, signalNumber } from './protocol.js';

/**
 * How long the guardian has SIGKILL to itself, ms, and how often it is sent beside it after that. One that is stopped is
 * given up only after seconds, and the deadline does not wait.
 */
const KILLS_ALONE_MS = 50;
const KILL_TOO_EVERY_MS = 100;

export interface GuardedChildOptions {
  readonly guardian: Guardian;
  readonly pid: number;
  readonly group: Group;
  /** The tree as it can be found without the guardian. */
  readonly grow: (leader: Leader) => Tree;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A command whose parent is the guardian. The guardian signals and reaps, so that no signal can hit a number that was
 * used again; it alone can prove that the tree is dead. Were it gone, the tree is killed by what can be found without it.
 */
export class GuardedChild implements Child {
  readonly pid: number;
  readonly group: Group;
  readonly exited: Promise<ExitStatus>;
  readonly #options: GuardedChildOptions;
  readonly #tree: Tree;
  readonly #hurry = new AbortController();
  readonly #ended = new AbortController();
  readonly #gone = new AbortController();
  #settle: (status: ExitStatus) => void = () => {};
  #ending: Promise<void> | undefined;

  constructor(options: GuardedChildOptions) {
    this.#options = options;
    this.pid = options.pid;
    this.group = options.group;
    this.exited = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const startTime = readProcess(this.pid)?.startTime ?? 0;
    this.#tree = options.grow({ pid: this.pid, startTime, ended: this.#ended.signal });
    options.guardian.subscribe((report) => this.#hear(report));
  }

  get unguarded(): AbortSignal {
    return this.#options.guardian.lost;
  }

  keep(killAt: number): void {
    this.#options.guardian.keep(killAt);
  }

  signal(name: SignalName): void {
    this.#options.guardian.send('signal', String(signalNumber(name)));
  }

  isSuspended(): boolean {
    return !this.#ended.signal.aborted && readProcess(this.pid)?.state === 'T';
  }

  stop(signal: SignalName, patience: AbortSignal): Promise<void> {
    const hurry = () => {
      this.#options.guardian.send('kill');
      if (!this.#hurry.signal.aborted) void this.#killToo();
      this.#hurry.abort();
    };
    if (patience.aborted || signal === 'SIGKILL') hurry();
    else patience.addEventListener('abort', hurry, { once: true });
    this.#ending ??= this.#end(signal);
    return this.#ending;
  }

  #hear(report: Report): void {
    if (report.says === 'ended') {
      this.#ended.abort();
      this.#settle(report.status);
    } else if (report.says === 'gone') this.#gone.abort();
    else if (report.says === 'left') complainOf(report.survivors, this.#options.log);
  }

  async #end(signal: SignalName): Promise<void> {
    const { guardian } = this.#options;
    if (!this.#gone.signal.aborted) {
      if (!this.#hurry.signal.aborted) guardian.send('stop', String(signalNumber(signal)));
      await Promise.race([aborted(this.#gone.signal), aborted(guardian.lost)]);
    }
    if (!this.#gone.signal.aborted) await this.#endUnguarded();
  }

  /** Kills what can be found without the guardian, until that has proven the tree dead or is given up. Never rejects. */
  async #killToo(): Promise<void> {
    const { guardian, clock } = this.#options;
    const settled = () => this.#gone.signal.aborted || guardian.lost.aborted;
    for (let pauseMs = KILLS_ALONE_MS; ; pauseMs = KILL_TOO_EVERY_MS) {
      await delay(pauseMs, clock);
      if (settled()) return;
      // What cannot be looked at now is looked at the next time.
      await this.#tree.sweep('SIGKILL').catch(() => {});
    }
  }

  /** Nobody would end the tree if we died now: it is killed at once. */
  async #endUnguarded(): Promise<void> {
    const { guardian, clock, log } = this.#options;
    // Its parent is no longer there to reap it, or is stopped.
    this.#ended.abort();
    const hurry = AbortSignal.abort();
    await endTree({ tree: this.#tree, stopSignal: 'SIGKILL', ended: this.#ended.signal, hurry, clock, log });
    guardian.kill();
    this.#settle({ how: 'killed', signal: 'SIGKILL' });
  }
}
