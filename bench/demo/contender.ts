import { join } from 'node:path';
import { type Lockex, lockex } from '../../test/helpers/lockex.js';
import { startProxy, type TcpProxy } from '../../test/helpers/proxy.js';
import type { Lane, Span } from './lanes.js';

const TICKER = join(import.meta.dirname, 'ticker.sh');
/** The session timeout that is asked for, seconds: short, for an audience. */
export const TIMEOUT_S = 2;

type Open<T> = { -readonly [Key in keyof T]: T[Key] };

/** One of the three: a lockex, a link of its own, and its part of the time line. */
export class DemoContender implements AsyncDisposable, Lane {
  readonly ticks: number[] = [];
  readonly runs: Open<Span>[] = [];
  readonly faults: (Open<Span> & { sign: string })[] = [];
  /** ms in which its command ran beside another one. */
  overlapMs = 0;
  #lockex: Lockex | undefined;
  #read = 0;
  #closed = false;
  #overlapSince: number | undefined;
  readonly #started: Lockex[] = [];

  private constructor(
    readonly name: string,
    readonly link: TcpProxy,
    private readonly file: string,
    private readonly now: () => number,
  ) {}

  /** @param file is locked by the kernel while a command lives @param now ms since the demo began */
  static async open(
    name: string,
    zookeeper: string,
    file: string,
    now: () => number,
  ): Promise<DemoContender> {
    return new DemoContender(name, await startProxy(zookeeper, { protocol: 'raw' }), file, now);
  }

  /** Starts its lockex (again). */
  start(): void {
    if (this.#closed) return;
    const options = ['-z', this.link.address, '-i', 'demo', '-T', String(TIMEOUT_S), '-k', '0.5', '-r', '-1'];
    const run: Open<Span> = { from: this.now(), to: undefined };
    const it = lockex([...options, '--', TICKER, this.file]);
    this.runs.push(run);
    this.#lockex = it;
    this.#started.push(it);
    this.#read = 0;
    void it.exited.then(() => {
      run.to = this.now();
    });
  }

  /** Takes in what its command has written since the last time. */
  read(): void {
    const text = this.#lockex?.stdout.slice(this.#read) ?? '';
    for (const line of text.split('\n').slice(0, -1)) {
      this.#read += line.length + 1;
      const [word, at] = line.split(' ');
      if (word === 'tick') this.ticks.push(this.now());
      if (word === 'overlap') this.#overlapSince = Number(at);
      if (word === 'apart') this.#endOverlap(Number(at));
    }
  }

  /** Whether it has ticked since `since`, ms. */
  hasTickedSince(since: number): boolean {
    return (this.ticks.at(-1) ?? Number.NEGATIVE_INFINITY) >= since;
  }

  /** Marks a fault on the time line. @returns what ends it */
  strike(sign: string): () => void {
    const fault: Open<Span> & { sign: string } = { from: this.now(), to: undefined, sign };
    this.faults.push(fault);
    return () => {
      fault.to = this.now();
    };
  }

  signal(name: NodeJS.Signals): void {
    this.#lockex?.kill(name);
  }

  /** How its lockex ended: a status, or a signal. */
  async ended(): Promise<string> {
    const ended = await this.#lockex?.exited;
    return ended?.signal ?? `status ${ended?.code}`;
  }

  /** Ends its lockex politely, and whatever is left of it by force. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    await this.#lockex?.exited;
    this.read();
    this.#endOverlap(Date.now());
    await this.link[Symbol.asyncDispose]();
    for (const it of this.#started) await it[Symbol.asyncDispose]();
  }

  #endOverlap(at: number): void {
    if (this.#overlapSince !== undefined) this.overlapMs += Math.max(1, at - this.#overlapSince);
    this.#overlapSince = undefined;
  }
}
