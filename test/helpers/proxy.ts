import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';
import { Link, type LinkOwner } from './proxy-link.js';
import type { Request } from './zk-frames.js';

/**
 * - `pass`: as if it were not there
 * - `blackhole`: silent both ways; connections stay open, new ones are accepted and get no answer
 * - `dropToClient`: the server hears the client, the client hears nothing
 * - `dropToServer`: the client hears the server, the server hears nothing
 *
 * What cannot pass is held, ends of connections included, and delivered in order when the mode allows it again, as
 * TCP does when a network heals. `reset` throws it away.
 */
export type ProxyMode = 'pass' | 'blackhole' | 'dropToClient' | 'dropToServer';

export interface ProxyOptions {
  /** `zookeeper` (the default) looks at the frames, so that one reply can be dropped; `raw` passes bytes. */
  readonly protocol?: 'zookeeper' | 'raw';
  /** How long to go on dialling a target that refuses, ms: servers that dial each other while starting. */
  readonly dialPatienceMs?: number;
  /** The loopback address to listen on; 127.0.0.1 unless told. */
  readonly host?: string;
  /** The port to listen on; a free one unless told. */
  readonly port?: number;
  /** Changes the first bytes that each client sends. */
  readonly rewriteFirst?: (chunk: Buffer) => Buffer;
}

interface Trap {
  readonly matches: (request: Request) => boolean;
  readonly then: 'reset' | 'keep';
  readonly sprung: (request: Request) => void;
  caught: Request | undefined;
}

/** A TCP proxy in this process, in front of one target. Works while this process's event loop turns. */
export class TcpProxy implements AsyncDisposable {
  readonly #links = new Set<Link>();
  readonly #server: Server;
  readonly #traps: Trap[] = [];
  readonly #requests: Request[] = [];
  #mode: ProxyMode = 'pass';
  #accepted = 0;
  #bytesFromClient = 0;
  #bytesFromServer = 0;
  #lastClientByteAt: number | undefined;

  constructor(
    readonly port: number,
    private readonly target: number,
    private readonly options: ProxyOptions,
  ) {
    // A half-closed connection is passed on as one.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#onClient(client));
  }

  get address(): string {
    return `${this.options.host ?? '127.0.0.1'}:${this.port}`;
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  set mode(mode: ProxyMode) {
    this.#mode = mode;
    for (const link of [...this.#links]) this.#apply(link);
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#links.size;
  }

  /** Connections ever accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Bytes that came from clients, passed on or not. */
  get bytesFromClient(): number {
    return this.#bytesFromClient;
  }

  /** Bytes that came from the target, passed on or not. */
  get bytesFromServer(): number {
    return this.#bytesFromServer;
  }

  /** When a client last sent a byte, in `performance.now()` ms; `undefined` before the first. */
  get lastClientByteAt(): number | undefined {
    return this.#lastClientByteAt;
  }

  /** Every request seen, in order, without connect requests. */
  get requests(): readonly Request[] {
    return this.#requests;
  }

  /** Resets (RST) every connection, on both sides. */
  reset(): void {
    for (const link of [...this.#links]) link.reset();
  }

  /** From now on new connections are refused (ECONNREFUSED); the open ones go on. */
  async refuseNew(): Promise<void> {
    // `close` calls back only when every connection has ended; the listening ends at once.
    this.#server.close();
  }

  /** Takes connections (again). */
  acceptNew(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.port, this.options.host ?? '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /**
   * Swallows the reply to the next request that `matches`: the server has done it, the client never hears so.
   * Afterwards the connection is reset, or kept. Resolves to the request when its reply has been swallowed.
   */
  dropNextReply(matches: (request: Request) => boolean, then: 'reset' | 'keep' = 'reset'): Promise<Request> {
    return new Promise((sprung) => {
      this.#traps.push({ matches, then, sprung, caught: undefined });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) this.#server.close();
    this.reset();
  }

  #apply(link: Link): void {
    const mode = this.#mode;
    link.setOpen(mode === 'pass' || mode === 'dropToClient', mode === 'pass' || mode === 'dropToServer');
  }

  #onClient(client: Socket): void {
    this.#accepted++;
    const owner: LinkOwner = {
      protocol: this.options.protocol ?? 'zookeeper',
      rewriteFirst: this.options.rewriteFirst,
      dial: () => dial(this.target, performance.now() + (this.options.dialPatienceMs ?? 0)),
      clientBytes: (count) => {
        this.#bytesFromClient += count;
        this.#lastClientByteAt = performance.now();
      },
      serverBytes: (count) => {
        this.#bytesFromServer += count;
      },
      request: (request) => this.#onRequest(request),
      swallowed: (request) => this.#onSwallowed(request),
      closed: (link) => this.#links.delete(link),
    };
    const link = new Link(client, owner);
    this.#links.add(link);
    this.#apply(link);
  }

  #onRequest(request: Request): 'pass' | 'swallow-and-keep' | 'swallow-and-reset' {
    this.#requests.push(request);
    const trap = this.#traps.find(
      (candidate) => candidate.caught === undefined && candidate.matches(request),
    );
    if (trap === undefined) return 'pass';
    trap.caught = request;
    return trap.then === 'reset' ? 'swallow-and-reset' : 'swallow-and-keep';
  }

  #onSwallowed(request: Request): void {
    const index = this.#traps.findIndex((trap) => trap.caught === request);
    this.#traps.splice(index, 1)[0]?.sprung(request);
  }
}

function dialOnce(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

async function dial(port: number, until: number): Promise<Socket> {
  for (;;) {
    try {
      return await dialOnce(port);
    } catch (error) {
      if (performance.now() >= until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Starts a proxy on a port of its own in front of `target` (`127.0.0.1:PORT`). */
export async function startProxy(target: string, options: ProxyOptions = {}): Promise<TcpProxy> {
  const proxy = new TcpProxy(options.port ?? (await freePort()), Number(target.split(':').at(-1)), options);
  await proxy.acceptNew();
  return proxy;
}
