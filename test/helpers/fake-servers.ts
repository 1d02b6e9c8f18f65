import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';
import { connectResponse, decodeRequest, FrameSplitter, type Request, reply } from './zk-frames.js';

/** A listener on 127.0.0.1 and its connections. */
export class FakeServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #accepted = 0;

  constructor(
    readonly port: number,
    onSocket: (socket: Socket) => void,
  ) {
    this.#server = createServer((socket) => {
      this.#accepted++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      onSocket(socket);
    });
  }

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections ever accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function listening(onSocket: (socket: Socket) => void): Promise<FakeServer> {
  const server = new FakeServer(await freePort(), onSocket);
  await server.listen();
  return server;
}

/** A server that accepts, reads, and never answers. */
export function silentServer(): Promise<FakeServer> {
  return listening((socket) => void socket.resume());
}

/** One client's connection, as the script of a hostile server sees it. */
export interface HostilePeer {
  /** Sends bytes as they are. */
  send(bytes: Buffer | string): void;
  /** Sends a proper reply. */
  reply(xid: number, error?: number, body?: Buffer): void;
  /** Closes the connection. */
  destroy(): void;
}

export interface HostileOptions {
  /** The negotiated timeout it answers with, ms; 10 000 unless told. */
  readonly timeoutMs?: number;
  readonly sessionId?: bigint;
  /** Answers the connect request itself, instead of the proper answer. */
  readonly onConnectRequest?: (peer: HostilePeer, frame: Buffer) => void;
}

/**
 * A fake ZooKeeper server: answers the connect request properly, and calls `onRequest` for every request after it,
 * pings included. What the script sends back is its own affair.
 */
export function hostileServer(
  onRequest: (request: Request, peer: HostilePeer) => void,
  options: HostileOptions = {},
): Promise<FakeServer> {
  return listening((socket) => {
    const splitter = new FrameSplitter();
    const peer: HostilePeer = {
      send: (bytes) => void socket.write(bytes),
      reply: (xid, error, body) => void socket.write(reply(xid, error, body)),
      destroy: () => void socket.destroy(),
    };
    let greeted = false;
    socket.on('data', (chunk) => {
      for (const bytes of splitter.push(chunk).frames) {
        if (greeted) {
          onRequest(decodeRequest(bytes), peer);
        } else {
          greeted = true;
          if (options.onConnectRequest !== undefined) options.onConnectRequest(peer, bytes);
          else peer.send(connectResponse(options.timeoutMs ?? 10_000, options.sessionId ?? 0x1234n));
        }
      }
    });
  });
}
