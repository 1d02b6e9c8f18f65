import { connect, createServer, type Socket } from 'node:net';
import { freePort } from './ports.js';
import { FrameSplitter, frame, int32, int64 } from './zk-frames.js';

/**
 * A way to a ZooKeeper server on which the session's id and password are overheard, so that a test can end the session as an
 * admin or the server would: at once, with the client well connected.
 */
export class SessionThief implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  readonly #heard = new Set<string>();
  #credentials: Buffer | undefined;

  private constructor(
    readonly port: number,
    private readonly target: number,
    private readonly server: ReturnType<typeof createServer>,
  ) {}

  static async start(target: string): Promise<SessionThief> {
    const port = await freePort();
    const server = createServer();
    const thief = new SessionThief(port, Number(target.split(':').at(-1)), server);
    server.on('connection', (socket) => thief.#onClient(socket));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return thief;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** How many sessions have been overheard so far. */
  get sessions(): number {
    return this.#heard.size;
  }

  /** Ends the session on the server; resolves when the server has. */
  async endSession(): Promise<void> {
    const credentials = this.#credentials;
    if (credentials === undefined) throw new Error('nobody has connected yet');
    const socket = connect(this.target, '127.0.0.1');
    // Protocol version, last zxid seen, timeout; then session id and password as the server gave them. Then CLOSE.
    socket.write(frame(int32(0), int64(0n), int32(10_000), credentials));
    socket.write(frame(int32(1), int32(-11)));
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', () => resolve());
      socket.resume();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #onClient(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    const splitter = new FrameSplitter();
    let heard = false;
    server.on('data', (chunk) => {
      const [greeting] = heard ? [] : splitter.push(chunk).frames;
      if (greeting === undefined) return;
      heard = true;
      // After its length, the protocol version and the timeout: id (8), the password's length (4) and the password (16).
      const credentials = greeting.subarray(12, 12 + 28);
      // Who asks for a session that has expired is told of one without an id.
      if (credentials.readBigInt64BE() === 0n) return;
      this.#credentials = credentials;
      this.#heard.add(credentials.toString('hex'));
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => this.#sockets.delete(one));
      one.pipe(other);
    }
  }
}
