import { Etcd3 } from 'etcd3';
import { until } from '../../src/testing/until.js';
import type { Certificate } from './certificates.js';
import { Daemon } from './daemon.js';
import { freePort } from './ports.js';
import { type TempDir, tempDir } from './temp.js';

export interface EtcdOptions {
  /** ms; 1000 unless told. The shortest time to live is one and a half of it, in whole seconds. */
  readonly electionMs?: number;
  /** Whether it has its HTTP gateway, by which a lease is ended after `kill -9` of lockex; as usual unless told. */
  readonly gateway?: boolean;
  /** TLS for clients: the server's certificate, and the authority that clients' certificates must be signed by, if any. */
  readonly tls?: { readonly certificate: Certificate; readonly clientsOf?: Certificate };
  /** Seconds that the token of a login lives after its last use; 300 unless told. */
  readonly tokenSeconds?: number;
}

/** One real etcd server on 127.0.0.1. */
export class EtcdServer implements AsyncDisposable {
  #daemon: Daemon | undefined;

  constructor(
    readonly name: string,
    readonly port: number,
    readonly peerPort: number,
    private readonly dir: TempDir,
    private readonly args: readonly string[],
  ) {}

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  log(lines?: number): string {
    return this.#daemon?.log(lines) ?? '';
  }

  /** Starts it on its data, new or old, without waiting until it serves. */
  launch(): void {
    this.#daemon = Daemon.start('etcd', this.args, {
      cwd: this.dir.path,
      logFile: this.dir.join(`${this.name}.log`),
    });
  }

  /** `kill -9`, and waits for the end. */
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** Real etcd servers of a test. Disposing kills them and removes their data. */
export class Etcd implements AsyncDisposable {
  /** An admin's client of all servers; without TLS. */
  readonly admin: Etcd3;

  constructor(
    readonly servers: readonly EtcdServer[],
    private readonly dir: TempDir,
    auth?: { readonly username: string; readonly password: string },
  ) {
    this.admin = new Etcd3({
      hosts: servers.map(({ address }) => address),
      ...(auth === undefined ? {} : { auth }),
    });
  }

  /** The server at `index`, from 0. */
  server(index = 0): EtcdServer {
    const server = this.servers[index];
    if (server === undefined) throw new Error(`there is no server ${index} of ${this.servers.length}`);
    return server;
  }

  /** All servers, as a URL has them. */
  get hosts(): string {
    return this.servers.map(({ address }) => address).join(',');
  }

  /** Waits until it serves with a quorum. */
  async ready(): Promise<void> {
    await until(
      () =>
        this.admin
          .get('ready')
          .string()
          .then(() => true),
      `etcd on ${this.hosts} serves`,
    ).catch((error) => {
      throw new Error(`etcd did not come up; its log ends:\n${this.servers[0]?.log(30)}`, { cause: error });
    });
  }

  /** Starts a server that was killed on its data again, and waits until it serves. */
  async restart(server: EtcdServer): Promise<void> {
    server.launch();
    await this.ready();
  }

  /** All keys below a prefix. */
  async keys(prefix: string): Promise<readonly string[]> {
    return this.admin.getAll().prefix(prefix).keys();
  }

  /** The server that leads. */
  async leader(): Promise<EtcdServer> {
    return until(async () => {
      for (const server of this.servers) {
        const client = new Etcd3({ hosts: server.address });
        try {
          const { leader, header } = await client.maintenance.status({ deadline: Date.now() + 500 });
          if (leader === header.member_id && leader !== '0') return server;
        } catch {
          // One that does not answer does not lead.
        } finally {
          client.close();
        }
      }
      return undefined;
    }, 'one server leads');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.admin.close();
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()));
    await this.dir[Symbol.asyncDispose]();
  }
}

/** Starts one server and waits until it serves. */
export function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  return startAll(1, options);
}

/** Starts a cluster and waits until it serves. */
export function startEtcdCluster(size: 3, options: EtcdOptions = {}): Promise<Etcd> {
  return startAll(size, options);
}

async function startAll(size: number, options: EtcdOptions): Promise<Etcd> {
  const dir = await tempDir('etcd');
  const places = [];
  for (let at = 0; at < size; at += 1) {
    places.push({ name: `s${at + 1}`, port: await freePort(), peerPort: await freePort() });
  }
  const members = places.map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`).join(',');
  const servers = places.map(({ name, port, peerPort }) => {
    const args = serverArgs({ name, port, peerPort, members }, dir, options);
    return new EtcdServer(name, port, peerPort, dir, args);
  });
  const etcd = new Etcd(servers, dir);
  try {
    for (const server of servers) server.launch();
    if (options.tls === undefined) await etcd.ready();
    else await until(() => servers.every((server) => server.log().includes('serving client')), 'etcd serves');
    return etcd;
  } catch (error) {
    await etcd[Symbol.asyncDispose]();
    throw error;
  }
}

function serverArgs(
  at: { readonly name: string; readonly port: number; readonly peerPort: number; readonly members: string },
  dir: TempDir,
  { electionMs = 1000, gateway = true, tls, tokenSeconds }: EtcdOptions,
): string[] {
  const client = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${at.port}`;
  const peer = `http://127.0.0.1:${at.peerPort}`;
  const clients = tls?.clientsOf;
  return [
    ...['--name', at.name, '--data-dir', dir.join(at.name), '--logger', 'zap'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', at.members, '--initial-cluster-token', dir.path],
    ...['--heartbeat-interval', String(electionMs / 10), '--election-timeout', String(electionMs)],
    `--enable-grpc-gateway=${gateway}`,
    ...(tls === undefined ? [] : ['--cert-file', tls.certificate.cert, '--key-file', tls.certificate.key]),
    ...(tokenSeconds === undefined ? [] : ['--auth-token-ttl', String(tokenSeconds)]),
    ...(clients === undefined ? [] : ['--client-cert-auth', '--trusted-ca-file', clients.cert]),
  ];
}
