import { type Exception, Exception as LibraryException, type Stat } from 'node-zookeeper-client';
import type { LeaseSession } from '../../src/backend/zookeeper/lease.js';
import { isUnsettled, OperationError } from '../../src/backend/zookeeper/operation-error.js';
import { Pulse } from '../../src/backend/zookeeper/pulse.js';
import { Requests } from '../../src/backend/zookeeper/requests.js';
import type { SessionEnd } from '../../src/backend/zookeeper/session.js';
import type { SignsOfLife } from '../../src/backend/zookeeper/signs-of-life.js';
import { aborted, delay, orAborted } from '../../src/util/abort.js';
import type { Timer } from '../../src/util/clock.js';
import { SessionLostError } from '../../src/util/errors.js';
import type { Ensemble } from './ensemble.js';
import type { Process } from './process.js';
import type { Random } from './random.js';
import { CODE, type Code, type LockNode, type Operation } from './server.js';
import { type Link, ServerConnection } from './server-connection.js';

/** As in `session.ts` and `connection.ts`. */
const CLOSE_LIMIT_MS = 400;
const SHORT_LIFE_MS = 1000;
const NO_BYTES = Buffer.alloc(0);

/**
 * The client's side of a session: what `Session` and `Connection` do, without the library and its bytes. Its pulse and
 * its bookkeeping of requests are the product's own.
 */
export class ClientSession implements LeaseSession {
  readonly signs: SignsOfLife;
  readonly #process: Process;
  readonly #ensemble: Ensemble;
  readonly #links: readonly Link[];
  readonly #random: Random;
  readonly #requests: Requests;
  readonly #pulse: Pulse;
  readonly #over = new AbortController();
  readonly #guards = new Set<() => void>();
  readonly #reconnected = new Set<() => void>();
  readonly #watches = new Map<() => void, string>();
  #connection: ServerConnection | undefined;
  #handshake: Timer | undefined;
  #isConnected = false;
  #next: number;
  #failuresInARow = 0;
  #connectedAt = 0;
  #lastSeen = 0;
  #session: number | undefined;
  #owner: Buffer = NO_BYTES;
  #end: SessionEnd | undefined;

  constructor(
    process: Process,
    ensemble: Ensemble,
    links: readonly Link[],
    random: Random,
    signs: SignsOfLife,
  ) {
    const { clock } = process;
    this.signs = signs;
    this.#process = process;
    this.#ensemble = ensemble;
    this.#links = links;
    this.#random = random;
    this.#next = random.below(links.length);
    this.#requests = new Requests({
      clock,
      limitMs: () => (this.ttlMs * 2) / 3,
      onAnswered: (sentAt, answeredAt) => this.signs.answered(sentAt, answeredAt),
      onUseless: (reason) => this.switchServer(reason),
    });
    this.#pulse = new Pulse({
      clock: process.briefClock,
      ttlMs: () => this.ttlMs,
      isConnected: () => this.#isConnected,
      ping: () => this.#connection?.ping(() => {}),
      onSilentServer: () => {
        process.settle();
        this.switchServer('silent');
      },
      onSilence: () => {
        process.settle();
        this.#finish('silence', 'no ZooKeeper server was reached');
      },
    });
    this.#connect();
  }

  get id(): bigint {
    return BigInt(this.#session ?? 0);
  }

  get number(): number {
    return this.#session ?? 0;
  }

  get ttlMs(): number {
    return this.#ensemble.ttlMs;
  }

  get servers(): number {
    return this.#links.length;
  }

  get over(): AbortSignal {
    return this.#over.signal;
  }

  get end(): SessionEnd | undefined {
    return this.#end;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** The connection as it is now: for faults that hit just this one. */
  get connection(): ServerConnection | undefined {
    return this.#connection;
  }

  readonly nodes = {
    /** Of the root, which is no place in line; answered by whatever server it is at. */
    exists: async (): Promise<undefined> => {
      await this.queue();
    },
    touch: (path: string): Promise<Stat> => this.write('write', path),
    setData: (path: string): Promise<Stat> => this.write('write', path),
    create: (path: string): Promise<Stat> => this.write('create', path),
    remove: async (path: string): Promise<void> => {
      await this.write('remove', path);
    },
    getData: async (path: string, onChange?: () => void): Promise<{ data: undefined; stat: Stat }> => {
      const node = (await this.queue()).find((one) => one.path === path);
      if (node === undefined) throw new OperationError('NO_NODE', 'getData', path);
      if (onChange !== undefined) this.#watches.set(onChange, path);
      return { data: undefined, stat: this.#statOf(node) };
    },
  };

  /** A ping that is answered like a renewal, by a server that has not asked its leader. */
  pingAsRenewal(): Promise<Stat> {
    return this.#run<Stat>('ping', (connection, settle) =>
      connection.ping(() => settle(null, this.#statOf({ path: '', session: this.number, czxid: 0 }))),
    );
  }

  /** The places in line, in order, as the server sees them. `onRemoved` is called when one of them goes. */
  queue(onRemoved?: () => void): Promise<LockNode[]> {
    if (onRemoved !== undefined) this.#watches.set(onRemoved, '');
    return this.#run<LockNode[]>('getChildren', (connection, settle) =>
      connection.read((nodes) => settle(null, [...nodes.values()])),
    );
  }

  guard(guard: () => void): () => void {
    this.#guards.add(guard);
    return () => this.#guards.delete(guard);
  }

  onReconnected(listener: () => void): () => void {
    this.#reconnected.add(listener);
    return () => this.#reconnected.delete(listener);
  }

  async connected(): Promise<void> {
    while (!this.#isConnected) {
      if (this.over.aborted) throw this.over.reason;
      let forget = (): void => {};
      const next = new Promise<void>((resolve) => {
        forget = this.onReconnected(resolve);
      });
      await Promise.race([next, aborted(this.over)]).finally(forget);
    }
  }

  async persist<T>(operations: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      if (!this.#isConnected) await orAborted(this.connected(), signal);
      try {
        return await orAborted(operations(), signal);
      } catch (error) {
        if (this.over.aborted) throw this.over.reason;
        if (!isUnsettled(error)) throw error;
        if (this.#isConnected) await delay(this.ttlMs / 20, this.#process.clock, signal);
      }
    }
  }

  switchServer(_reason: string): void {
    this.#connection?.closeByClient();
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    if (this.#isConnected && connection !== undefined) {
      await new Promise<void>((resolve) => {
        const limit = this.#process.clock.setTimer(CLOSE_LIMIT_MS, resolve);
        connection.write({ kind: 'close', session: this.number, path: '' }, () => {
          limit.cancel();
          resolve();
        });
      });
    }
    this.#finish('closed', 'the session was closed');
  }

  write(kind: Operation['kind'], path: string): Promise<Stat> {
    return this.#run<Stat>(kind, (connection, settle) =>
      connection.write({ kind, session: this.number, path }, (code, node) => {
        if (code !== CODE.ok) settle(failure(code), EMPTY_STAT);
        else settle(null, node === undefined ? EMPTY_STAT : this.#statOf(node));
      }),
    );
  }

  #run<T>(
    operation: string,
    start: (connection: ServerConnection, settle: (error: Exception | null, value: T) => void) => void,
  ): Promise<T> {
    if (this.over.aborted) return Promise.reject(this.over.reason);
    const connection = this.#connection;
    if (!this.#isConnected || connection === undefined) {
      return Promise.reject(new OperationError('CONNECTION_LOSS', operation, ''));
    }
    return this.#requests.run<T>(operation, '', (settle) => start(connection, settle));
  }

  #connect(): void {
    if (this.over.aborted) return;
    if (this.#failuresInARow < this.#links.length) {
      this.#open();
      return;
    }
    const spin = Math.min(500, Math.max(50, this.ttlMs / 40)) * (0.5 + this.#random.next() / 2);
    this.#handshake = this.#process.clock.setTimer(spin, () => this.#open());
  }

  #open(): void {
    if (this.over.aborted) return;
    const at = this.#next++ % this.#links.length;
    const server = this.#ensemble.servers[at];
    const link = this.#links[at];
    if (server === undefined || link === undefined) return;
    const connection = new ServerConnection(this.#process, this.#ensemble, server, link, {
      onHeard: (zxid) => {
        for (const guard of this.#guards) guard();
        this.#lastSeen = Math.max(this.#lastSeen, zxid);
        this.#pulse.heard();
      },
      onClosed: () => this.#closed(connection),
      onRemoved: (paths) => this.#removed(paths),
    });
    this.#connection = connection;
    const limit = Math.min(2000, Math.max(200, this.ttlMs / (4 * this.#links.length)));
    this.#handshake = this.#process.clock.setTimer(limit, () => connection.closeByClient());
    const openedAt = this.#process.clock.now();
    connection.connect(this.#session, this.#lastSeen, (welcome) => {
      this.#handshake?.cancel();
      if (welcome === 'expired') this.#finish('expired', 'the ZooKeeper session expired');
      else this.#connected(welcome.session, openedAt);
    });
  }

  #connected(session: number, openedAt: number): void {
    this.signs.metLeader(openedAt);
    this.#session = session;
    this.#owner = bytesOf(session);
    this.#isConnected = true;
    this.#connectedAt = this.#process.clock.now();
    this.#pulse.start();
    queueMicrotask(() => {
      for (const listener of [...this.#reconnected]) listener();
    });
  }

  #closed(connection: ServerConnection): void {
    if (connection !== this.#connection) return;
    this.#handshake?.cancel();
    this.#connection = undefined;
    const lived = this.#isConnected && this.#process.clock.now() - this.#connectedAt >= SHORT_LIFE_MS;
    this.#failuresInARow = lived ? 0 : this.#failuresInARow + 1;
    if (this.#isConnected) {
      this.#isConnected = false;
      this.#requests.settleAll();
    }
    this.#connect();
  }

  #removed(paths: readonly string[]): void {
    for (const [onChange, path] of [...this.#watches]) {
      if (path !== '' && !paths.includes(path)) continue;
      this.#watches.delete(onChange);
      onChange();
    }
  }

  #finish(end: SessionEnd, why: string): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#isConnected = false;
    this.#pulse.stop();
    this.#handshake?.cancel();
    this.#over.abort(new SessionLostError(why));
    this.#requests.settleAll();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.closeByClient();
  }

  #statOf(node: LockNode): Stat {
    const owner = node.session === this.#session ? this.#owner : bytesOf(node.session);
    return { ...EMPTY_STAT, czxid: bytesOf(node.czxid), ephemeralOwner: owner };
  }
}

function bytesOf(number: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(number, 4);
  return bytes;
}

const EMPTY_STAT: Stat = {
  czxid: bytesOf(0),
  ephemeralOwner: bytesOf(0),
  ctime: bytesOf(0),
  mtime: bytesOf(0),
  version: 0,
  numChildren: 0,
};

function failure(code: Code): Exception {
  return LibraryException.create(code);
}
