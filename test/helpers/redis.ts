import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { until } from '../../src/testing/until.js';
import { Daemon } from './daemon.js';
import { freePort } from './ports.js';
import { type TempDir, tempDir } from './temp.js';

const run = promisify(execFile);

export interface RedisOptions {
  /** Further options of `redis-server`: `--name`, `value`, …; a later one wins. No persistence unless told. */
  readonly args?: readonly string[];
  /** Words that `redis-cli` needs to come in: `-a`, a password, or `--tls`, … */
  readonly cli?: readonly string[];
  /** By TLS, instead of plain. */
  readonly tls?: boolean;
}

/** One real redis on 127.0.0.1. Disposing kills it and removes its directory. */
export class RedisServer implements AsyncDisposable {
  #daemon: Daemon | undefined;

  constructor(
    readonly port: number,
    private readonly dir: TempDir,
    private readonly options: RedisOptions,
  ) {}

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts it on what its directory holds, and waits until it answers. */
  async start(): Promise<void> {
    const port = this.options.tls
      ? ['--port', '0', '--tls-port', `${this.port}`]
      : ['--port', `${this.port}`];
    const args = ['--bind', '127.0.0.1', '--dir', this.dir.path, '--save', '', ...port];
    this.#daemon = Daemon.start('redis-server', [...args, ...(this.options.args ?? [])], {
      cwd: this.dir.path,
      logFile: this.dir.join('redis.log'),
    });
    await until(async () => (await this.cli('PING')) === 'PONG', `redis on ${this.address} answers`).catch(
      (cause: unknown) => {
        throw new Error(`redis on ${this.address} did not come up: ${this.#daemon?.log(20)}`, { cause });
      },
    );
  }

  /** `kill -9`, and waits. */
  async kill(): Promise<void> {
    await this.#daemon?.kill();
  }

  /** `kill -9`, and starts it again. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** SIGSTOP: connections stay open, nothing is answered. */
  async freeze(): Promise<void> {
    await this.#daemon?.freeze();
  }

  /** SIGCONT. */
  thaw(): void {
    this.#daemon?.thaw();
  }

  /** The answer of `redis-cli` to a command. */
  async cli(...words: readonly string[]): Promise<string> {
    const way = ['-h', '127.0.0.1', '-p', `${this.port}`, ...(this.options.cli ?? []), '--no-auth-warning'];
    const { stdout } = await run('redis-cli', [...way, ...words], { timeout: 5_000 });
    return stdout.trim();
  }

  /** All keys, but for the counter that all locks share. */
  async keys(): Promise<readonly string[]> {
    const keys = await this.cli('--scan');
    return keys.split('\n').filter((key) => key !== '' && key !== 'lockex:token');
  }

  /** Waits until it has been up for so long that it may grant to one with this timeout, ms. */
  async grown(ttlMs: number): Promise<void> {
    const needed = Math.ceil(ttlMs / 1000) + 1;
    await until(
      async () => Number(/uptime_in_seconds:(\d+)/.exec(await this.cli('INFO', 'server'))?.[1]) >= needed,
      `redis has been up for ${needed} s`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.dir[Symbol.asyncDispose]();
  }
}

/** Starts one, about 20 ms. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const server = new RedisServer(await freePort(), await tempDir('redis'), options);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}
