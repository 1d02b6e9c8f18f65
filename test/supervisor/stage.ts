import type { LockBackend } from '../../src/backend/contract.js';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import type { Stage as ChildStage, ExitStatus, Farewell, SignalName } from '../../src/child/child.js';
import type { Job, World } from '../../src/supervisor/job.js';
import { until } from '../../src/testing/until.js';
import { systemClock } from '../../src/util/clock.js';
import type { Log } from '../../src/util/log.js';
import { type Answers, ScriptedChild } from './scripted-child.js';

export const exited = (code: number): ExitStatus => ({ how: 'exited', code });
export const killed = (signal: SignalName): ExitStatus => ({ how: 'killed', signal });

/** A supervisor's outside, played by a test. `events` is what happened, in order. */
export class Stage implements World {
  readonly clock = systemClock;
  readonly service = new MemoryService();
  readonly events: string[] = [];
  readonly children: ScriptedChild[] = [];
  readonly #listeners = new Set<(name: SignalName) => void>();
  readonly #bug = new AbortController();
  /** Signals that the terminal delivers to the command as well. */
  terminal: readonly SignalName[] = [];
  foreground = false;
  answers: Answers = { SIGTERM: killed('SIGTERM'), SIGINT: killed('SIGINT') };
  leftover = false;
  env: NodeJS.ProcessEnv = {};
  opened: MemoryBackend[] = [];
  /** What the guardian was told to say, each time. */
  readonly entrusted: (readonly Farewell[])[] = [];

  readonly log: Log = {
    debug: () => {},
    info: (_, message) => void this.events.push(`log ${message}`),
    warn: (_, message) => void this.events.push(`log ${message}`),
    error: (_, message) => void this.events.push(`log ${message}`),
  };

  readonly signals = {
    subscribe: (listener: (name: SignalName) => void) => {
      this.#listeners.add(listener);
      return () => void this.#listeners.delete(listener);
    },
    deliveredByTerminal: (name: SignalName) => this.terminal.includes(name),
    inForeground: () => this.foreground,
  };

  get bug(): AbortSignal {
    return this.#bug.signal;
  }

  async connect(): Promise<LockBackend> {
    const backend = new MemoryBackend(this.service);
    this.opened.push(backend);
    return backend;
  }

  async handOver(): Promise<void> {}

  readonly stage: ChildStage = {
    level: 'walk',
    treeId: 'tree',
    spawn: async ({ env }) => {
      this.events.push('spawned');
      this.env = env;
      const child = new ScriptedChild(this.answers, () => this.#gone(), this.leftover);
      this.children.push(child);
      return child;
    },
    entrust: (farewells) => void this.entrusted.push(farewells),
    dismiss: async () => {},
  };

  /** What others can see at the moment that the tree is gone. */
  #gone(): void {
    const held = this.service.contenders('lockex/x', this).some((contender) => contender.state === 'holding');
    this.events.push(held ? 'tree gone, lock held' : 'tree gone, lock free');
  }

  send(name: SignalName): void {
    for (const listener of [...this.#listeners]) listener(name);
  }

  failUnforeseen(error: Error): void {
    this.#bug.abort(error);
  }

  /** The command of the run, once it has been started. */
  started(): Promise<ScriptedChild> {
    return until(() => this.children[0], 'the command is started');
  }

  job(part: Partial<Job> = {}): Job {
    return {
      claim: {
        resource: 'lockex/x',
        permits: 1,
        mode: 'exclusive',
        identity: { host: 'h', pid: 7, command: 'c' },
      },
      lockId: 'x',
      waiting: { how: 'blocking', limitMs: undefined },
      attempts: 1,
      command: { file: 'c', args: [] },
      env: { PATH: '/bin' },
      stopSignal: 'SIGTERM',
      killAfterMs: 60_000,
      ...part,
    };
  }

  /** Whether somebody else could have the lock now. */
  async isFree(): Promise<boolean> {
    const other = new MemoryBackend(this.service);
    const lease = await other.tryAcquire(this.job().claim, new AbortController().signal);
    await other[Symbol.asyncDispose]();
    return lease !== undefined;
  }
}
