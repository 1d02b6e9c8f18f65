import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';
import { decodeRequest, FrameSplitter, type Request } from './zk-frames.js';

/** Called with each request before it is passed on; what it returns is waited for, and so do all requests behind it. */
export type Before = (request: Request) => Promise<void> | undefined;

/**
 * A way to a ZooKeeper server on which a request can be held back while the test does something at the server: what
 * happens between two steps of a client happens there, each time.
 */
export class Gate implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #failure: unknown;

  private constructor(
    readonly port: number,
    private readonly target: number,
    private readonly before: Before,
  ) {
    this.#server = createServer({ noDelay: true }, (client) => this.#onClient(client));
  }

  static async start(target: string, before: Before): Promise<Gate> {
    const gate = new Gate(await freePort(), Number(target.split(':').at(-1)), before);
    await new Promise<void>((resolve) => gate.#server.listen(gate.port, '127.0.0.1', resolve));
    return gate;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Throws what `before` has failed with, if it has. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #onClient(client: Socket): void {
    const server = connect({ port: this.target, host: '127.0.0.1', noDelay: true });
    const splitter = new FrameSplitter();
    let greeted = false;
    let line = Promise.resolve();
    client.on('data', (chunk) => {
      for (const bytes of splitter.push(chunk).frames) {
        // The first frame is the connect request, which has no header.
        const request = greeted ? decodeRequest(bytes) : undefined;
        greeted = true;
        line = line
          .then(() => request && this.before(request))
          .then(
            () => void server.write(bytes),
            (error: unknown) => {
              this.#failure ??= error;
              client.destroy();
            },
          );
      }
    });
    server.pipe(client);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
