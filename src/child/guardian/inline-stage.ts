import { arch, execPath } from 'node:process';
import { getSystemErrorName } from 'node:util';
import { delay } from '../../util/abort.js';
import { CommandError, LeaseLostError } from '../../util/errors.js';
import { removeLeaf } from '../cgroup.js';
import { CgroupTree } from '../cgroup-tree.js';
import type { Child, Farewell, Order, Stage } from '../child.js';
import { endTree } from '../end-tree.js';
import type { Isolation } from '../isolation.js';
import { withMark } from '../mark.js';
import { ProcTree } from '../proc-tree.js';
import type { StageOptions } from '../stage-options.js';
import { startError } from '../start.js';
import type { Leader, Tree } from '../tree.js';
import { GuardedChild } from './guarded-child.js';
import { Guardian, unguarded } from './guardian.js';
import { GuardianPost, guardianEnvironment } from './post.js';
import { FAREWELL_NODE, GUARDIAN_PERL } from './programs.js';
import { killAtWord, type Report } from './protocol.js';

/** How long a guardian may take to start a command, ms. It takes milliseconds; longer, and it is stopped. */
const START_LIMIT_MS = 5000;

/** The command will be a child of the guardian, which adopts whatever it leaves behind. */
export class InlineStage implements Stage {
  readonly level: 'cgroup' | 'subreaper';
  readonly treeId: string;
  readonly #isolation: Exclude<Isolation, { level: 'walk' }>;
  readonly #options: StageOptions;
  readonly #post: GuardianPost;

  constructor(isolation: Exclude<Isolation, { level: 'walk' }>, options: StageOptions) {
    this.level = isolation.level;
    this.treeId = options.treeId;
    this.#isolation = isolation;
    this.#options = options;
    this.#post = new GuardianPost(() => this.#start());
  }

  entrust(farewells: readonly Farewell[]): void {
    this.#post.entrust(farewells);
  }

  async spawn(order: Order): Promise<Child> {
    const guardian = this.#post.manned();
    const { command, env, killAt } = order;
    if (command.file === '') throw startError(command, env, undefined);
    const words = [command.file, ...command.args];
    const variables = Object.entries(withMark(env, this.treeId)).map(([name, value]) => `${name}=${value}`);
    const answer = this.#answer(guardian, killAt);
    guardian.send('go', killAtWord(killAt), String(words.length), ...words, ...variables);
    const report = await answer;
    if (report instanceof GuardedChild) return report;
    if (report?.says === 'failed' && report.what === 'exec') {
      throw startError(command, env, getSystemErrorName(-report.errno));
    }
    await this.#abandon(guardian);
    throw notStarted(report, guardian);
  }

  async dismiss(): Promise<void> {
    await this.#post.dismiss();
    if (this.#isolation.level === 'cgroup') removeLeaf(this.#isolation.leaf);
  }

  #start(): Guardian {
    const { group, logFormat, clock, treeId } = this.#options;
    const leaf = this.#isolation.level === 'cgroup' ? this.#isolation.leaf : '';
    return new Guardian(
      {
        file: this.#isolation.perl,
        args: [GUARDIAN_PERL, arch, group, leaf, logFormat, execPath, FAREWELL_NODE],
        env: guardianEnvironment(treeId),
        startsCommand: true,
        group,
      },
      clock,
    );
  }

  /** What becomes of an order: the command, or what the guardian says; `undefined` when it is gone, or says nothing. */
  async #answer(guardian: Guardian, killAt: number): Promise<GuardedChild | Report | undefined> {
    const done = new AbortController();
    let forget = (): void => {};
    const answer = new Promise<GuardedChild | Report | undefined>((resolve) => {
      forget = guardian.subscribe((report) => {
        // Made here and now: that it has ended may be the next thing that is said.
        if (report.says === 'started') resolve(this.#child(guardian, report.pid));
        if (report.says === 'failed' || report.says === 'late') resolve(report);
      });
      guardian.lost.addEventListener('abort', () => resolve(undefined), { once: true });
      if (guardian.lost.aborted) resolve(undefined);
    });
    const { clock } = this.#options;
    const limitMs = Math.min(START_LIMIT_MS, killAt - clock.now());
    const limit = delay(limitMs, clock, done.signal).then(
      () => undefined,
      () => undefined,
    );
    try {
      return await Promise.race([answer, limit]);
    } finally {
      forget();
      done.abort();
    }
  }

  #child(guardian: Guardian, pid: number): GuardedChild {
    const { group, clock, log } = this.#options;
    const grow = (leader: Leader) => this.#grow(leader, guardian);
    return new GuardedChild({ guardian, pid, group, grow, clock, log });
  }

  /** The tree as it can be found without the guardian's help. */
  #grow(leader: Leader, guardian: Guardian): Tree {
    const { group, treeId } = this.#options;
    const found = new ProcTree(leader, group, treeId, guardian.pid);
    return this.#isolation.level === 'cgroup' ? new CgroupTree(this.#isolation.leaf, found) : found;
  }

  /** Whether the command was started is not known: nothing of it is left when this is over. */
  async #abandon(guardian: Guardian): Promise<void> {
    const { clock, log } = this.#options;
    const ended = AbortSignal.abort();
    const tree = this.#grow({ pid: guardian.pid, startTime: 0, ended }, guardian);
    guardian.kill();
    await endTree({ tree, stopSignal: 'SIGKILL', ended, hurry: ended, clock, log });
  }
}

function notStarted(report: Report | undefined, guardian: Guardian): Error {
  if (report?.says === 'failed') {
    return new CommandError(
      'not-executable',
      `the command could not be moved into its cgroup (${getSystemErrorName(-report.errno)})`,
      { hint: 'isolation subreaper does without one', settings: ['isolation'] },
    );
  }
  return report?.says === 'late'
    ? new LeaseLostError(
        'unguarded',
        'the command was not started: its guardian was stopped until it was too late',
        0,
      )
    : unguarded(guardian);
}
