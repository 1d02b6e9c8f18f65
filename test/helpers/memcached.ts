import { connect } from 'node:net';
import { until } from '../../src/testing/until.js';
import { Daemon } from './daemon.js';
import { freePort } from './ports.js';
import { type TempDir, tempDir } from './temp.js';

/** Starts one real memcached on a port of its own and waits until it answers. @param options of its command line */
export async function startMemcached(options: readonly string[] = ['-m', '16']): Promise<Memcached> {
  const server = new Memcached(await freePort(), await tempDir('memcached'), options);
  try {
    await server.launch();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** One real memcached of a test, on 127.0.0.1. */
export class Memcached implements AsyncDisposable {
  #daemon: Daemon | undefined;

  constructor(
    readonly port: number,
    private readonly dir: TempDir,
    private readonly options: readonly string[],
  ) {}

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts the process, which remembers nothing of an earlier one. */
  async launch(): Promise<void> {
    const args = ['-l', '127.0.0.1', '-p', String(this.port), '-U', '0', '-u', 'root', ...this.options];
    this.#daemon = Daemon.start('memcached', args, { logFile: this.dir.join('memcached.log') });
    // This has an answer also where credentials are wanted: that they are.
    await until(() => this.ask('version', /\r\n$/), 'memcached answers');
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#daemon?.kill();
  }

  /** SIGSTOP: connections stay open, nothing is answered. */
  async freeze(): Promise<void> {
    await this.#daemon?.freeze();
  }

  /** SIGCONT. */
  thaw(): void {
    this.#daemon?.thaw();
  }

  /** One line of `stats`. */
  async stat(name: string): Promise<string> {
    const text = await this.ask('stats', /^END\r\n/m);
    return new RegExp(`^STAT ${name} (.*)\r$`, 'm').exec(text)?.[1] ?? '';
  }

  /** Waits until it has surely been up for more than `ms`, by what it says of itself: that is up to three seconds too many. */
  async settled(ms: number): Promise<void> {
    const old = async () => Number(await this.stat('uptime')) * 1000 >= ms + 3000;
    await until(old, `memcached has been up for ${ms} ms`, ms + 15_000);
  }

  /** All keys that have not expired. */
  async keys(): Promise<readonly string[]> {
    const text = await this.ask('lru_crawler metadump all', /^END\r\n/m);
    const keys = [...text.matchAll(/^key=(\S+)/gm)].map((match) => decodeURIComponent(match[1] ?? ''));
    const found = await Promise.all(
      keys.map(async (key) => ((await this.get(key)) === undefined ? [] : [key])),
    );
    return found.flat();
  }

  /** The text of a key. */
  async get(key: string): Promise<string | undefined> {
    return /^VALUE .*\r\n(.*)\r\n/.exec(await this.ask(`get ${key}`, /^END\r\n/m))?.[1];
  }

  /** An admin removes a key. */
  async delete(key: string): Promise<void> {
    await this.ask(`delete ${key}`, /\r\n$/);
  }

  /** Sends one command over a connection of its own, and returns the answer once it matches `end`. */
  ask(command: string, end: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(this.port, '127.0.0.1', () => socket.write(`${command}\r\n`));
      socket.setEncoding('utf8');
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`memcached hung up after ${JSON.stringify(text)}`)));
      socket.on('data', (chunk) => {
        text += chunk;
        if (!end.test(text)) return;
        resolve(text);
        socket.destroy();
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}
