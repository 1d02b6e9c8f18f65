import { until } from '../../src/testing/until.js';
import { freePort } from './ports.js';
import { type TempDir, tempDir } from './temp.js';
import { PeerNetwork } from './zk-peers.js';
import { ZooKeeperServer } from './zookeeper-server.js';

export interface ZooKeeperOptions {
  /** ms; 500 unless told. A session's timeout is between 2 and 20 ticks unless told below. */
  readonly tickTime?: number;
  /** ms. */
  readonly minSessionTimeout?: number;
  /** ms. */
  readonly maxSessionTimeout?: number;
  /** Further lines of `zoo.cfg`; a later line wins over an earlier one of the same name. */
  readonly config?: readonly string[];
}

function configLines(options: ZooKeeperOptions): string[] {
  const lines = [
    `tickTime=${options.tickTime ?? 500}`,
    'initLimit=20',
    'syncLimit=10',
    'maxClientCnxns=0',
    'admin.enableServer=false',
    '4lw.commands.whitelist=*',
  ];
  if (options.minSessionTimeout !== undefined) lines.push(`minSessionTimeout=${options.minSessionTimeout}`);
  if (options.maxSessionTimeout !== undefined) lines.push(`maxSessionTimeout=${options.maxSessionTimeout}`);
  return [...lines, ...(options.config ?? [])];
}

/** Starts one standalone server and waits until it serves, about half a second. */
export async function startZooKeeper(options: ZooKeeperOptions = {}): Promise<ZooKeeper> {
  const dir = await tempDir('zk');
  const server = new ZooKeeperServer(await freePort(), dir.path, configLines(options), undefined);
  return started(new ZooKeeper([server], dir));
}

/** Starts an ensemble and waits until all its servers serve, a second or two. */
export async function startEnsemble(size: 3 | 5 = 3, options: ZooKeeperOptions = {}): Promise<Ensemble> {
  const dir = await tempDir('zk');
  const network = await PeerNetwork.create(size);
  const servers: ZooKeeperServer[] = [];
  for (let i = 0; i < size; i++) {
    const config = [...configLines(options), 'standaloneEnabled=false', ...network.configFor(i)];
    servers.push(new ZooKeeperServer(await freePort(), dir.join(`server-${i + 1}`), config, i + 1));
  }
  return started(new Ensemble(servers, dir, network));
}

async function started<T extends ZooKeeper>(zookeeper: T): Promise<T> {
  try {
    for (const server of zookeeper.servers) await server.launch();
    for (const server of zookeeper.servers) await server.ready();
    return zookeeper;
  } catch (error) {
    await zookeeper[Symbol.asyncDispose]();
    throw error;
  }
}

/** Real ZooKeeper servers of a test. Disposing kills them and removes their directories. */
export class ZooKeeper implements AsyncDisposable {
  constructor(
    readonly servers: readonly ZooKeeperServer[],
    private readonly dir: TempDir,
  ) {}

  /** The server at `index`, from 0. */
  server(index = 0): ZooKeeperServer {
    const server = this.servers[index];
    if (server === undefined) throw new Error(`there is no server ${index} of ${this.servers.length}`);
    return server;
  }

  /** The first server's `127.0.0.1:PORT`. */
  get address(): string {
    return this.server().address;
  }

  /** All servers, as a connection string has them. */
  get hosts(): string {
    return this.servers.map((server) => server.address).join(',');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()));
    await this.dir[Symbol.asyncDispose]();
  }
}

/** Several servers that elect a leader. Their links run through this process: keep its event loop turning. */
export class Ensemble extends ZooKeeper {
  constructor(
    servers: readonly ZooKeeperServer[],
    dir: TempDir,
    private readonly network: PeerNetwork,
  ) {
    super(servers, dir);
  }

  /** Waits until exactly one server says that it leads, and returns it. */
  leader(): Promise<ZooKeeperServer> {
    return until(async () => {
      const modes = await Promise.all(this.servers.map((server) => server.mode()));
      const leaders = this.servers.filter((_, index) => modes[index] === 'leader');
      return leaders.length === 1 ? leaders[0] : undefined;
    }, 'one server leads');
  }

  /** The servers that say that they follow, now. */
  async followers(): Promise<ZooKeeperServer[]> {
    const modes = await Promise.all(this.servers.map((server) => server.mode()));
    return this.servers.filter((_, index) => modes[index] === 'follower');
  }

  /**
   * Cuts a server off from all its peers while clients still reach it: silence, no connection is closed. Ends with
   * `heal`, with the disposal, and with this process.
   */
  cut(server: ZooKeeperServer): void {
    this.network.cut(this.servers.indexOf(server));
  }

  /** Undoes `cut`. */
  heal(server: ZooKeeperServer): void {
    this.network.heal(this.servers.indexOf(server));
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.network[Symbol.asyncDispose]();
  }
}
