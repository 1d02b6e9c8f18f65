import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { until } from '../../src/testing/until.js';
import { statOf } from './processes.js';

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server process of a test. It is killed by the kernel when the test's process ends, however that ends. */
export class Daemon implements AsyncDisposable {
  readonly pid: number;
  readonly exited: Promise<Ended>;
  #ended: Ended | undefined;

  private constructor(
    private readonly child: ChildProcess,
    readonly logFile: string,
  ) {
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        this.#ended = { code, signal };
        resolve(this.#ended);
      });
    });
    // Whoever needs the error gets it from the promise; nobody may be listening yet.
    this.exited.catch(() => {});
    this.pid = child.pid ?? -1;
  }

  /** Starts `file`; what it writes goes to `logFile`, after what is there. No shell. */
  static start(
    file: string,
    args: readonly string[],
    options: { readonly logFile: string; readonly cwd?: string; readonly env?: NodeJS.ProcessEnv },
  ): Daemon {
    const log = openSync(options.logFile, 'a');
    try {
      // PR_SET_PDEATHSIG survives the exec: no server outlives a test that crashed or was killed.
      const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', file, ...args], {
        stdio: ['ignore', log, log],
        detached: true,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        ...(options.env === undefined ? {} : { env: options.env }),
      });
      return new Daemon(child, options.logFile);
    } finally {
      closeSync(log);
    }
  }

  /** How it ended; `undefined` while it runs. */
  get ended(): Ended | undefined {
    return this.#ended;
  }

  /** What it has written so far, or the last `lines` of it. */
  log(lines = Number.POSITIVE_INFINITY): string {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(-lines).join('\n');
  }

  /** Sends a signal, unless it has ended. */
  signal(name: NodeJS.Signals): void {
    if (this.#ended === undefined) this.child.kill(name);
  }

  /** Ends it politely (SIGTERM) and waits. A frozen one is thawed first. */
  async stop(): Promise<Ended> {
    this.signal('SIGTERM');
    this.signal('SIGCONT');
    return this.exited;
  }

  /** `kill -9`, and waits. */
  async kill(): Promise<Ended> {
    this.signal('SIGKILL');
    return this.exited;
  }

  /** SIGSTOP; resolves when the whole process stands still. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP');
    await until(() => statOf(this.pid)?.state === 'T', `process ${this.pid} stands still`);
  }

  /** SIGCONT. */
  thaw(): void {
    this.signal('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
