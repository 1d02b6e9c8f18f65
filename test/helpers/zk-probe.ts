import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

/** A node's facts. */
export interface ProbeStat {
  readonly czxid: bigint;
  /** ms since 1970, by the server's clock. */
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  /** The session that an ephemeral node belongs to; 0 for a persistent one. */
  readonly ephemeralOwner: bigint;
  readonly numChildren: number;
}

export type NodeKind = 'persistent' | 'ephemeral' | 'persistent-sequential' | 'ephemeral-sequential';

/** One entry of an access list; permissions are the protocol's bits (31 is all). */
export interface ProbeAcl {
  readonly permission: number;
  readonly scheme: string;
  readonly id: string;
}

type Callback<T> = (error: Error | null, value: T) => void;

interface LibraryStat {
  readonly czxid: Buffer;
  readonly ctime: Buffer;
  readonly mtime: Buffer;
  readonly version: number;
  readonly ephemeralOwner: Buffer;
  readonly numChildren: number;
}

interface LibraryClient {
  connect(): void;
  close(): void;
  once(event: 'connected' | 'disconnected', listener: () => void): void;
  addAuthInfo(scheme: string, auth: Buffer): void;
  getSessionId(): Buffer;
  readonly connectionManager: { readonly socket: Socket | undefined };
  create(path: string, data: Buffer, mode: number, callback: Callback<string>): void;
  remove(path: string, callback: (error: Error | null) => void): void;
  setData(path: string, data: Buffer, callback: Callback<LibraryStat>): void;
  exists(path: string, callback: Callback<LibraryStat | null>): void;
  getData(path: string, callback: Callback<Buffer | undefined>): void;
  getChildren(path: string, callback: Callback<string[]>): void;
  getACL(
    path: string,
    callback: Callback<readonly { permission: number; id: { scheme: string; id: string } }[]>,
  ): void;
}

interface Library {
  createClient(hosts: string, options: { sessionTimeout: number }): LibraryClient;
}

/** The library as it is, without the hardening and the types of ours. */
const library: Library = createRequire(import.meta.url)('node-zookeeper-client');

const MODES: Readonly<Record<NodeKind, number>> = {
  persistent: 0,
  ephemeral: 1,
  'persistent-sequential': 2,
  'ephemeral-sequential': 3,
};

/**
 * A second pair of eyes on a ZooKeeper: a plain client of a test's own, for assertions. For healthy servers; every
 * operation fails after `limitMs` instead of hanging.
 */
export class Probe implements AsyncDisposable {
  #closed = false;

  private constructor(
    private readonly client: LibraryClient,
    private readonly limitMs: number,
  ) {}

  /** Connects (`hosts` as in a connection string, chroot allowed); rejects when that takes longer than `limitMs`. */
  static async open(
    hosts: string,
    options: {
      readonly timeoutMs?: number;
      readonly limitMs?: number;
      /** `user:password` of the digest scheme. */
      readonly digest?: string;
    } = {},
  ): Promise<Probe> {
    const client = library.createClient(hosts, { sessionTimeout: options.timeoutMs ?? 10_000 });
    const probe = new Probe(client, options.limitMs ?? 5_000);
    if (options.digest !== undefined) client.addAuthInfo('digest', Buffer.from(options.digest));
    try {
      await probe.#op<void>(`connect to ${hosts}`, (callback) => {
        client.once('connected', () => callback(null, undefined));
        client.connect();
      });
      return probe;
    } catch (error) {
      await probe[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** This probe's session. */
  get sessionId(): bigint {
    return this.client.getSessionId().readBigInt64BE();
  }

  /** The children's names, sorted as text. */
  async children(path: string): Promise<string[]> {
    const names = await this.#op<string[]>(`children of ${path}`, (callback) =>
      this.client.getChildren(path, callback),
    );
    return names.sort();
  }

  /** The data as UTF-8. */
  async data(path: string): Promise<string> {
    const bytes = await this.#op<Buffer | undefined>(`data of ${path}`, (callback) =>
      this.client.getData(path, callback),
    );
    return bytes?.toString('utf8') ?? '';
  }

  /** The node's facts; `undefined` when there is no such node. */
  async stat(path: string): Promise<ProbeStat | undefined> {
    const stat = await this.#op<LibraryStat | null>(`stat of ${path}`, (callback) =>
      this.client.exists(path, callback),
    );
    if (stat === null) return undefined;
    return {
      czxid: stat.czxid.readBigInt64BE(),
      ctime: Number(stat.ctime.readBigInt64BE()),
      mtime: Number(stat.mtime.readBigInt64BE()),
      version: stat.version,
      ephemeralOwner: stat.ephemeralOwner.readBigInt64BE(),
      numChildren: stat.numChildren,
    };
  }

  async exists(path: string): Promise<boolean> {
    return (await this.stat(path)) !== undefined;
  }

  /** Creates one node, not its parents; resolves to its path with the number, if it is sequential. */
  create(path: string, data = '', kind: NodeKind = 'persistent'): Promise<string> {
    return this.#op(`create ${path}`, (callback) =>
      this.client.create(path, Buffer.from(data), MODES[kind], callback),
    );
  }

  async setData(path: string, data: string): Promise<void> {
    await this.#op<LibraryStat>(`set data of ${path}`, (callback) =>
      this.client.setData(path, Buffer.from(data), callback),
    );
  }

  remove(path: string): Promise<void> {
    return this.#op(`remove ${path}`, (callback) =>
      this.client.remove(path, (error) => callback(error, undefined)),
    );
  }

  /** Who may do what. */
  async acl(path: string): Promise<ProbeAcl[]> {
    const acls = await this.#op<readonly { permission: number; id: { scheme: string; id: string } }[]>(
      `acl of ${path}`,
      (callback) => this.client.getACL(path, callback),
    );
    return acls.map(({ permission, id }) => ({ permission, scheme: id.scheme, id: id.id }));
  }

  /** Ends the session; resolves when the server has. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#op<void>('close', (callback) => {
        this.client.once('disconnected', () => callback(null, undefined));
        this.client.close();
      });
    } finally {
      this.client.connectionManager.socket?.destroy();
    }
  }

  /** Ends the session if the server still answers, and the connection in any case. */
  async [Symbol.asyncDispose](): Promise<void> {
    // A server that the test has broken is no failure of the probe.
    await this.close().catch(() => {});
  }

  #op<T>(what: string, start: (callback: Callback<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the probe got no answer within ${this.limitMs} ms: ${what}`)),
        this.limitMs,
      );
      start((error, value) => {
        clearTimeout(timer);
        if (error) reject(new Error(`the probe failed to ${what}: ${error.message}`, { cause: error }));
        else resolve(value);
      });
    });
  }
}
