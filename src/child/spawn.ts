import { platform } from 'node:os';
import { systemClock } from '../util/clock.js';
import { CommandError, messageOf } from '../util/errors.js';
import type { Log } from '../util/log.js';
import type { Child, Command, ExitStatus, Group, SignalName } from './child.js';
import { endTree } from './end-tree.js';
import { exitStatusOf } from './exit-status.js';
import type { Guardian } from './guardian/guardian.js';
import { killAtWord } from './guardian/protocol.js';
import { withMark } from './mark.js';
import { readProcess } from './proc.js';
import { ProcTree } from './proc-tree.js';
import { type Started, start } from './start.js';
import type { Leader, Tree } from './tree.js';

export interface SpawnOptions {
  readonly command: Command;
  readonly env: NodeJS.ProcessEnv;
  readonly treeId: string;
  readonly group: Group;
  readonly killAt: number;
  readonly guardian: Guardian;
  readonly log: Log;
}

/**
 * Starts a command as our own child, with the mark of its tree added to the environment.
 *
 * @throws CommandError `not-found` or `not-executable`: nothing was started; the message names the file, the hint
 *   says what to do
 */
export async function spawnChild(options: SpawnOptions): Promise<Child> {
  const { command, env, treeId, group, guardian, killAt } = options;
  // Loaded before anything runs.
  const grow = await growerOfThisHost({ file: command.file, group, treeId });
  guardian.send('expect');
  const started = start(command, withMark(env, treeId), group);
  if (started instanceof Promise) throw await started;
  // 0, where nothing tells, is older than everything: no process is passed over for its age.
  const startTime = readProcess(started.pid)?.startTime ?? 0;
  guardian.send('watch', killAtWord(killAt), String(started.pid), String(startTime));
  return new RunningChild(started, startTime, grow, options);
}

/**
 * So long after the start, ms, a look is rehearsed: the first one takes milliseconds more than those after it, and
 * they would be missing when the lock is handed over.
 */
const REHEARSE_AFTER_MS = 50;

type Grow = (leader: Leader) => Tree;

interface TreeOptions {
  readonly file: string;
  readonly group: Group;
  readonly treeId: string;
}

/** The way in which this host lets trees be found that nothing holds together. */
export async function growerOfThisHost({ file, group, treeId }: TreeOptions): Promise<Grow> {
  if (platform() !== 'linux') {
    const { ForeignTree } = await import('./foreign-tree.js');
    return (leader) => new ForeignTree(leader, file);
  }
  if (readProcess('self') === undefined) {
    throw new CommandError(
      'not-executable',
      `cannot watch over ${JSON.stringify(file)}: /proc is not there`,
      {
        hint: 'mount it (mount -t proc proc /proc)',
      },
    );
  }
  return (leader) => new ProcTree(leader, group, treeId);
}

class RunningChild implements Child {
  readonly pid: number;
  readonly group: Group;
  readonly exited: Promise<ExitStatus>;
  readonly #tree: Tree;
  readonly #options: SpawnOptions;
  readonly #ended = new AbortController();
  readonly #hurry = new AbortController();
  #ending: Promise<void> | undefined;

  constructor({ pid, handle }: Started, startTime: number, grow: Grow, options: SpawnOptions) {
    this.pid = pid;
    this.group = options.group;
    this.#options = options;
    this.exited = new Promise((resolve) =>
      handle.once('exit', (code, signal) => {
        this.#ended.abort();
        resolve(exitStatusOf(code, signal));
      }),
    );
    this.#tree = grow({ pid, startTime, ended: this.#ended.signal });
    const rehearsal = systemClock.setTimer(REHEARSE_AFTER_MS, () => this.#tree.rehearse());
    this.#ended.signal.addEventListener('abort', () => rehearsal.cancel(), { once: true });
  }

  get unguarded(): AbortSignal {
    return this.#options.guardian.lost;
  }

  keep(killAt: number): void {
    this.#options.guardian.keep(killAt);
  }

  signal(name: SignalName): void {
    try {
      this.#tree.forward(name);
    } catch (error) {
      this.#options.log.warn({ signal: name }, `${name} could not be handed on: ${messageOf(error)}`);
    }
  }

  isSuspended(): boolean {
    return !this.#ended.signal.aborted && readProcess(this.pid)?.state === 'T';
  }

  stop(signal: SignalName, patience: AbortSignal): Promise<void> {
    const hurry = () => this.#hurry.abort();
    if (patience.aborted || signal === 'SIGKILL') hurry();
    else patience.addEventListener('abort', hurry, { once: true });
    this.#ending ??= endTree({
      tree: this.#tree,
      stopSignal: signal,
      ended: this.#ended.signal,
      hurry: this.#hurry.signal,
      clock: systemClock,
      log: this.#options.log,
    });
    return this.#ending;
  }
}
