import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../src/testing/until.js';
import { Daemon } from './daemon.js';
import {
  fourLetter,
  parseMode,
  parseWatchCount,
  parseWatchers,
  type ServerMode,
  type WatchCount,
} from './four-letter.js';

/**
 * Debian's `zookeeper`; its manifest names the other jars, but for two that Netty needs (TLS). slf4j-simple writes
 * the log to stderr.
 */
const CLASSPATH = ['slf4j-simple', 'zookeeper', 'netty-codec', 'netty-resolver']
  .map((name) => `/usr/share/java/${name}.jar`)
  .join(':');

const JVM_FLAGS = [
  '-Xmx256m',
  '-Xms32m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  // No file in /tmp/hsperfdata_USER, which a killed JVM would leave behind.
  '-XX:-UsePerfData',
  '-Djava.net.preferIPv4Stack=true',
  '-Dzookeeper.admin.enableServer=false',
  '-Dzookeeper.forceSync=no',
  // A server that looks for a leader asks again within half a second, not after ever longer up to a minute.
  '-Dzookeeper.fastleader.maxNotificationInterval=500',
];

/** One real ZooKeeper server on 127.0.0.1. */
export class ZooKeeperServer implements AsyncDisposable {
  #daemon: Daemon | undefined;

  constructor(
    readonly port: number,
    private readonly dir: string,
    private readonly config: readonly string[],
    private readonly id: number | undefined,
  ) {}

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Where it keeps its nodes. */
  get dataDir(): string {
    return join(this.dir, 'data');
  }

  /** The JVM's pid; `undefined` while it does not run. */
  get pid(): number | undefined {
    return this.#daemon?.ended === undefined ? this.#daemon?.pid : undefined;
  }

  /** What the server has logged, or the last `lines` of it. */
  log(lines?: number): string {
    return this.#daemon?.log(lines) ?? '';
  }

  /** Starts the process on its data directory, new or old, without waiting until it serves. */
  async launch(): Promise<void> {
    if (this.pid !== undefined) throw new Error(`the server on ${this.address} runs already`);
    const data = this.dataDir;
    if (!existsSync(data)) {
      await mkdir(data, { recursive: true });
      if (this.id !== undefined) await writeFile(join(data, 'myid'), `${this.id}\n`);
      const ports = [`dataDir=${data}`, `clientPort=${this.port}`, 'clientPortAddress=127.0.0.1'];
      await writeFile(join(this.dir, 'zoo.cfg'), [...ports, ...this.config, ''].join('\n'));
    }
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
    const args = [...JVM_FLAGS, `-Djava.io.tmpdir=${this.dir}`, '-cp', CLASSPATH, main];
    this.#daemon = Daemon.start('java', [...args, join(this.dir, 'zoo.cfg')], {
      cwd: this.dir,
      logFile: join(this.dir, 'server.log'),
    });
  }

  /** Waits until it serves: in an ensemble that needs a quorum. */
  async ready(): Promise<void> {
    const end = await until(async () => {
      if (this.#daemon === undefined || this.#daemon.ended !== undefined) return 'ended';
      return (await this.mode(500)) && 'serving';
    }, `ZooKeeper on ${this.address} serves`).catch((error: unknown) => error);
    if (end === 'serving') return;
    throw new Error(`ZooKeeper on ${this.address} did not come up; its log ends:\n${this.log(30)}`, {
      cause: end,
    });
  }

  /** Starts it on its data directory and waits until it serves. */
  async start(): Promise<void> {
    await this.launch();
    await this.ready();
  }

  /** SIGTERM, and waits for the end. */
  async stop(): Promise<void> {
    await this.#daemon?.stop();
  }

  /** `kill -9`, and waits for the end. */
  async kill(): Promise<void> {
    await this.#daemon?.kill();
  }

  /** Stops it politely and starts it again on the same data and port. */
  async restart(): Promise<void> {
    await this.stop();
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

  /** Its part; `undefined` while it does not serve. Asked by `srvr`. */
  async mode(limitMs = 1_000): Promise<ServerMode | undefined> {
    return parseMode(await fourLetter(this.port, 'srvr', limitMs).catch(() => ''));
  }

  /** The answer to a four-letter word (all are allowed); rejects when there is none. */
  fourLetter(word: string): Promise<string> {
    return fourLetter(this.port, word);
  }

  /** How many watches the server holds (`wchs`). */
  async watchCount(): Promise<WatchCount> {
    return parseWatchCount(await this.fourLetter('wchs'));
  }

  /** The sessions (`0x…`) that watch each path on this server (`wchp`). */
  async watchers(): Promise<ReadonlyMap<string, readonly string[]>> {
    return parseWatchers(await this.fourLetter('wchp'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
