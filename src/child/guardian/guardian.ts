import { type ChildProcess, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../util/clock.js';
import { LeaseLostError } from '../../util/errors.js';
import type { Farewell, Group } from '../child.js';
import { farewellWords } from './farewell-words.js';
import { frame, killAtWord, type Report, readReport } from './protocol.js';

/** How often the guardian is asked whether it is there, ms, and how often in vain before it counts as stopped. */
const ASK_EVERY_MS = 500;
const ASKED_IN_VAIN = 6;
/** How long it may take to go when there is nothing left to guard, ms. */
const LEAVE_LIMIT_MS = 1000;

/** The program that a guardian runs. */
export interface GuardianProgram {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Descriptors 0 to 2 are those of the command that it will start. */
  readonly startsCommand: boolean;
  readonly group: Group;
}

/**
 * The process that ends the tree when we no longer can: it sees the end of its one socket, which nobody but us has, or
 * the silence on it. It has to be seen itself: killed, it ends; stopped, it does not answer.
 */
export class Guardian {
  readonly #handle: ChildProcess;
  readonly #socket: Duplex | undefined;
  readonly #clock: Clock;
  readonly #lost = new AbortController();
  readonly #listeners = new Set<(report: Report) => void>();
  readonly #ended: Promise<void>;
  #timer: Timer | undefined;
  #killAt = Number.POSITIVE_INFINITY;
  #asked = 0;
  #answered = 0;

  constructor({ file, args, env, startsCommand, group }: GuardianProgram, clock: Clock) {
    this.#clock = clock;
    const own = startsCommand ? 'inherit' : 'ignore';
    this.#handle = spawn(file, args, {
      stdio: [own, own, 'inherit', 'pipe'],
      env,
      detached: group === 'own',
    });
    this.#ended = new Promise((resolve) => {
      this.#handle.once('exit', (code, signal) => {
        this.#lose(`the guardian, process ${this.pid}, ended (${signal ?? `status ${code}`})`);
        resolve();
      });
      this.#handle.once('error', (error) => {
        this.#lose(`the guardian could not be started: ${error.message}`);
        resolve();
      });
    });
    // Node leaves it out, against its types, when it has no descriptors left.
    const socket = (this.#handle.stdio as ChildProcess['stdio'] | undefined)?.[3];
    this.#socket = socket instanceof Duplex ? socket : undefined;
    // That it is gone is told by its end.
    this.#socket?.on('error', () => {});
    this.#readLines();
  }

  /** 0 when it could not be started. */
  get pid(): number {
    return this.#handle.pid ?? 0;
  }

  /** Aborts when it has ended or does not answer; the reason, an Error, says which. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Calls `listener` for each report; returns the way to stop that. */
  subscribe(listener: (report: Report) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What it is to give the lock back with. */
  entrust(farewells: readonly Farewell[]): void {
    this.send('farewell', ...farewellWords(farewells));
  }

  send(...words: readonly string[]): void {
    this.#socket?.write(frame(...words));
  }

  /** SIGKILL is due at `killAt` now. From the first call on it is asked, again and again, whether it is there. */
  keep(killAt: number): void {
    this.#killAt = killAt;
    this.#ask();
    if (this.#timer === undefined) this.#watch();
  }

  /** Ends it, whatever it is at. */
  kill(): void {
    this.#handle.kill('SIGKILL');
  }

  /** Lets it go; resolves when it has. Never rejects. */
  async dismiss(): Promise<void> {
    this.#timer?.cancel();
    this.send('done');
    const late = this.#clock.setTimer(LEAVE_LIMIT_MS, () => this.kill());
    await this.#ended;
    late.cancel();
    this.#socket?.destroy();
  }

  #ask(): void {
    this.#asked += 1;
    this.send('keep', killAtWord(this.#killAt), String(this.#asked));
  }

  /**
   * Counts in turns that we were awake for, not in time: after a freeze of our own, its answers may lie unread behind
   * the overdue timer.
   */
  #watch(turnsInVain = 0): void {
    const answered = this.#answered;
    this.#timer = this.#clock.setTimer(ASK_EVERY_MS, () => {
      if (this.#lost.signal.aborted) return;
      const inVain = this.#answered === answered ? turnsInVain + 1 : 0;
      if (inVain >= ASKED_IN_VAIN) {
        this.#lose(
          `the guardian, process ${this.pid}, has not answered for ${(inVain * ASK_EVERY_MS) / 1000} s`,
        );
        return;
      }
      this.#ask();
      this.#watch(inVain);
    });
  }

  #readLines(): void {
    let rest = '';
    this.#socket?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const report = readReport(line);
        if (report?.says === 'kept') this.#answered = report.number;
        else if (report !== undefined) for (const listener of [...this.#listeners]) listener(report);
      }
    });
  }

  #lose(message: string): void {
    this.#timer?.cancel();
    this.#lost.abort(new Error(message));
  }
}

/** The error for a command that was not started, because nobody would end it if we died. */
export function unguarded(guardian: Guardian): LeaseLostError {
  const reason: unknown = guardian.lost.reason;
  const why =
    reason instanceof Error ? reason.message : `the guardian, process ${guardian.pid}, does not answer`;
  return new LeaseLostError('unguarded', `the command was not started: ${why}`, 0);
}
