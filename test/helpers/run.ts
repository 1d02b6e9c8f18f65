import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Ended } from './daemon.js';
import { expectNoProcessWithEnv, killAllWithEnv, processesWithEnv } from './processes.js';

/** Variables that must not leak from the surroundings of the tests into what is tested. */
const FOREIGN = /^(LOCKEX|ZKHOSTS$|MEMCACHE_|NODE_OPTIONS$|NODE_TEST|NO_COLOR$|FORCE_COLOR$|npm_)/;

/** The environment of this process without what would change what is tested, and with `extra`. */
export function cleanEnv(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
  return { ...Object.fromEntries(own), ...extra };
}

export interface RunOptions {
  /** Added to a clean environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** What it reads; nothing unless told. */
  readonly input?: string | Uint8Array;
  /** Leaves stdin open after `input`: `stdin` writes to it. */
  readonly keepStdinOpen?: boolean;
  readonly cwd?: string;
}

/**
 * A process of a test, in a session of its own without a terminal, whose whole tree carries a mark in its
 * environment. The kernel kills it when the test's process ends.
 *
 * Disposing: while it runs, it and its tree are killed. After it has ended by itself, nothing of its tree may be
 * left: a stray is killed, and the disposal fails. After a SIGKILL it could do nothing about its tree: what is left
 * is killed; a test that expects otherwise says so with `expectNoStray`.
 */
export class Run implements AsyncDisposable {
  readonly pid: number;
  /** `NAME=value` in the environment of each process of the tree. */
  readonly mark: string;
  /** How it ended. What it has written until then stands in `stdout` and `stderr`. */
  readonly exited: Promise<Ended>;
  #ended: Ended | undefined;
  readonly #child: ChildProcess;
  readonly #output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };

  constructor(file: string, args: readonly string[], options: RunOptions = {}) {
    const token = randomBytes(8).toString('hex');
    this.mark = `TEST_KIT_MARK=${token}`;
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', file, ...args], {
      detached: true,
      stdio: 'pipe',
      env: cleanEnv({ ...options.env, TEST_KIT_MARK: token }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.pid = this.#child.pid ?? -1;
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.on('data', (chunk: Buffer) => this.#output[name].push(chunk));
    }
    // A process that ends before it has read everything.
    this.#child.stdin?.on('error', () => {});
    this.#child.stdin?.write(options.input ?? '');
    if (options.keepStdinOpen !== true) this.#child.stdin?.end();
    this.exited = this.#watch();
    this.exited.catch(() => {});
  }

  /** How it ended; `undefined` while it runs. */
  get ended(): Ended | undefined {
    return this.#ended;
  }

  /** What it has written to stdout so far. */
  get stdout(): string {
    return Buffer.concat(this.#output.stdout).toString('utf8');
  }

  /** What it has written to stderr so far. */
  get stderr(): string {
    return Buffer.concat(this.#output.stderr).toString('utf8');
  }

  /** The bytes of stdout so far. */
  get stdoutBytes(): Buffer {
    return Buffer.concat(this.#output.stdout);
  }

  /** Writes to its stdin (`keepStdinOpen`). */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Ends its stdin. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Sends a signal to this one process, unless it has ended. */
  kill(signal: NodeJS.Signals): void {
    if (this.#ended === undefined) this.#child.kill(signal);
  }

  /** The living processes of its tree, itself included. */
  tree(): number[] {
    return processesWithEnv(this.mark);
  }

  /** Waits until nothing of its tree is alive; fails with the names of what is. */
  expectNoStray(limitMs?: number): Promise<void> {
    return expectNoProcessWithEnv(this.mark, limitMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const free = this.#ended !== undefined && this.#ended.signal !== 'SIGKILL';
    try {
      if (free) await this.expectNoStray(2_000);
    } finally {
      await killAllWithEnv(this.mark);
      await this.exited;
      for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) stream?.destroy();
    }
  }

  async #watch(): Promise<Ended> {
    const ended = await new Promise<Ended>((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    // What it wrote stands in the pipes: one more whole turn of the event loop reads it. `close` would wait for
    // every descendant that holds a pipe.
    await turn();
    await turn();
    this.#ended = ended;
    return ended;
  }
}
