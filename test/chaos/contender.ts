import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../src/testing/until.js';
import { type Lockex, lockex } from '../helpers/lockex.js';
import { alive, childrenOf, statOf } from '../helpers/processes.js';
import type { ContenderLink } from './contender-link.js';
import { lostItsLock, unexpectedEnd } from './ends.js';
import { partOf } from './plan.js';
import type { Random } from './random.js';
import type { ChaosService } from './services/service.js';
import type { ChaosSettings } from './settings.js';
import type { Witness } from './witness.js';

const COMMAND = join(import.meta.dirname, 'hostile.pl');
/** How long a contender stays away after its end, at most. */
const LONGEST_BREAK_MS = 300;
const END_LIMIT_MS = 15_000;

/** One lockex, from its start to its end. */
export interface ChaosRun {
  readonly name: string;
  /** Shape and mood of its command. */
  readonly command: string;
  readonly bornAt: number;
  readonly lockex: Lockex;
  killed: boolean;
  guardianHurt: boolean;
}

export interface ContenderEvents {
  born(run: ChaosRun): void;
  ended(run: ChaosRun, how: string, lost: boolean, reason: string | undefined): void;
  violation(what: string): void;
}

/** A host as the lock sees one: a link of its own, and a lockex that is started again whenever it has ended. */
export class Contender implements AsyncDisposable {
  run: ChaosRun | undefined;
  #runs = 0;
  readonly #closing = new AbortController();
  readonly #going: Promise<void>;

  constructor(
    readonly name: string,
    readonly link: ContenderLink,
    private readonly service: ChaosService,
    private readonly settings: ChaosSettings,
    private readonly random: Random,
    private readonly witness: Witness,
    private readonly events: ContenderEvents,
    private readonly mark: string,
  ) {
    this.#going = this.#goOn();
  }

  /** Whether its lockex lives, and something of its tree. */
  get holds(): boolean {
    if (this.run === undefined || this.run.lockex.ended !== undefined) return false;
    return this.witness.alive().some((tree) => tree.run === this.run?.name);
  }

  /**
   * The guardian of the current run, if there is one: the supervisor's child that is not its command. It is the
   * command's parent, or at the level `walk` its sibling.
   */
  guardian(): number | undefined {
    const { run } = this;
    if (run === undefined || !alive(run.lockex.pid)) return undefined;
    const commands = this.witness.trees.filter((tree) => tree.run === run.name).map((tree) => tree.pid);
    return childrenOf(run.lockex.pid).find((pid) => !commands.includes(pid));
  }

  /** Signals the guardian if it is still ours; a pid that was given to another is left alone. */
  signalGuardian(pid: number, signal: NodeJS.Signals): void {
    const parent = statOf(pid)?.parent;
    if (parent !== undefined && parent === this.run?.lockex.pid) process.kill(pid, signal);
  }

  /** Ends it for good. All must be healed by then. */
  async stop(): Promise<void> {
    this.#closing.abort();
    this.run?.lockex.kill('SIGTERM');
    await this.#going;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #goOn(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#oneRun();
      const options = { signal: this.#closing.signal };
      await pause(this.random.between(0, LONGEST_BREAK_MS), undefined, options).catch(() => {});
    }
  }

  async #oneRun(): Promise<void> {
    const run = this.#start();
    this.run = run;
    this.events.born(run);
    const ended = await run.lockex.exited;
    const toldToStop = this.#closing.signal.aborted;
    const wrong = unexpectedEnd(ended, { ...run, toldToStop });
    this.events.ended(run, `${ended.signal ?? `status ${ended.code}`}`, lostItsLock(ended), reasonOf(run));
    if (wrong !== undefined) this.events.violation(`${run.name} ${wrong}: ${run.lockex.stderr.slice(-1500)}`);
    await this.#allGone(run);
    await run.lockex[Symbol.asyncDispose]().catch((error: unknown) => {
      this.events.violation(`${run.name} left something behind: ${String(error)}`);
    });
  }

  #start(): ChaosRun {
    const { permits, ttlMs, isolation, command } = this.settings;
    this.#runs += 1;
    const name = `${this.name}#${this.#runs}`;
    const part = { ...partOf(this.random, isolation !== 'walk'), ...command };
    const args = [
      '--url',
      this.service.urlOf(this.link.addresses),
      '-p',
      'chaos',
      '-i',
      `of-${permits}`,
      '-c',
      String(permits),
    ];
    args.push('-T', String(ttlMs / 1000), '-k', '1', '-r', '-1');
    if (isolation !== undefined) args.push('--isolation', isolation);
    const { shape, mood, seconds, status } = part;
    const words = [this.witness.path, permits, shape, mood, command === undefined ? seconds : 0, status];
    return {
      name,
      command: `${mood} ${shape}`,
      bornAt: performance.now(),
      lockex: lockex([...args, '--', 'perl', COMMAND, ...words.map(String)], {
        env: { CHAOS_RUN: name, CHAOS: this.mark.slice('CHAOS='.length) },
      }),
      killed: false,
      guardianHurt: false,
    };
  }

  /** Nothing of a tree may outlive its lockex for long, whatever became of that. */
  async #allGone(run: ChaosRun): Promise<void> {
    const limitMs = run.killed ? 2 * this.settings.ttlMs : END_LIMIT_MS;
    const ours = () => this.witness.alive().filter((tree) => tree.run === run.name);
    await until(() => ours().length === 0, `the tree of ${run.name} is dead`, limitMs).catch(() => {
      this.events.violation(`the tree of ${run.name} lives ${limitMs} ms after the end of its lockex`);
      this.witness.dismiss(run.name);
    });
    if (!run.killed) return;
    await until(() => run.lockex.tree().length === 0, `${run.name} has left nothing`, limitMs).catch(() => {
      this.events.violation(`processes of ${run.name} live ${limitMs} ms after the end of its lockex`);
    });
  }
}

/** Why it lost its lock or its place, as its log says, with the time of that. */
function reasonOf({ lockex: { logs } }: ChaosRun): string | undefined {
  const line =
    logs.findLast(({ level }) => level === 'error') ?? logs.findLast(({ level }) => level === 'warn');
  return line === undefined ? undefined : `${String(line['time']).slice(17, 23)} ${String(line['msg'])}`;
}
