import { constants } from 'node:os';
import { join } from 'node:path';
import { until } from '../../src/testing/until.js';
import type { Ended } from './daemon.js';
import { jsonLines, NODE_FIRST_PATH } from './lockex.js';
import { Run } from './run.js';

/** What the keys send. */
export const KEYS = { CTRL_C: '\x03', CTRL_D: '\x04', CTRL_Z: '\x1a', CTRL_BACKSLASH: '\x1c' } as const;

export interface PtyOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** 80 × 24 unless told. */
  readonly columns?: number;
  readonly rows?: number;
}

function isSignal(name: unknown): name is NodeJS.Signals {
  return typeof name === 'string' && name in constants.signals;
}

/** A command on a pseudo-terminal of its own: it leads the session, and the terminal is its controlling one. */
export class Pty implements AsyncDisposable {
  readonly #run: Run;

  constructor(file: string, args: readonly string[], options: PtyOptions = {}) {
    const script = join(import.meta.dirname, 'terminal.py');
    const size = [String(options.columns ?? 80), String(options.rows ?? 24)];
    this.#run = new Run('/usr/bin/python3', [script, ...size, file, ...args], {
      env: { TERM: 'xterm', PATH: NODE_FIRST_PATH, ...options.env },
      keepStdinOpen: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
  }

  /** `NAME=value` in the environment of each process of the tree. */
  get mark(): string {
    return this.#run.mark;
  }

  /** The command's pid; waits until it is started. */
  async pid(): Promise<number> {
    return until(() => this.#events().find((event) => 'pid' in event)?.['pid'], 'the command runs').then(
      Number,
    );
  }

  /** All that the terminal has shown so far, echoes and control sequences included; lines end with CR LF. */
  get screen(): string {
    const parts = this.#events().flatMap((event) =>
      typeof event['screen'] === 'string' ? [Buffer.from(event['screen'], 'base64')] : [],
    );
    return Buffer.concat(parts).toString('utf8');
  }

  /** Waits until the screen has shown this. */
  async shows(what: string | RegExp): Promise<void> {
    const shown = () => (typeof what === 'string' ? this.screen.includes(what) : what.test(this.screen));
    await until(shown, `the screen shows ${what}`).catch((cause: unknown) => {
      throw new Error(`the screen does not show ${what} but: ${this.screen}`, { cause });
    });
  }

  /** Types: text, or one of `KEYS`. */
  type(keys: string): void {
    this.#run.write(`${JSON.stringify({ keys: Buffer.from(keys).toString('base64') })}\n`);
  }

  /** Gives the terminal another size; the foreground group gets SIGWINCH. */
  resize(columns: number, rows: number): void {
    this.#run.write(`${JSON.stringify({ size: [columns, rows] })}\n`);
  }

  /** Closes the terminal, as closing its window does: the foreground group gets SIGHUP. */
  hangUp(): void {
    this.#run.endInput();
  }

  /** How the command ended; rejects when the terminal was closed before. */
  get exited(): Promise<Ended> {
    return this.#run.exited.then(() => {
      const last = this.#events().at(-1);
      if (last === undefined || !('code' in last)) throw new Error(`no exit status: ${this.#run.stderr}`);
      const { code, signal } = last;
      return { code: typeof code === 'number' ? code : null, signal: isSignal(signal) ? signal : null };
    });
  }

  /** Waits until nothing of its tree is alive; fails with the names of what is. */
  expectNoStray(limitMs?: number): Promise<void> {
    return this.#run.expectNoStray(limitMs);
  }

  /** As a `Run`: kills the tree while the command runs, fails on strays when it has ended. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#run[Symbol.asyncDispose]();
  }

  #events(): readonly Readonly<Record<string, unknown>>[] {
    return jsonLines(this.#run.stdout);
  }
}
