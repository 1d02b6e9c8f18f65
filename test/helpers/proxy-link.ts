import type { Socket } from 'node:net';
import { decodeRequest, FrameSplitter, type Request } from './zk-frames.js';

/**
 * Closes with RST, where the stream still can: one that was ended before is only closed. libuv refuses to reset a
 * stream that is shutting down, and Node then never frees the handle and spins for ever at its exit.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** One direction of a connection: what cannot pass now is held, in order, as TCP would send it again later. */
class Lane {
  readonly #held: Buffer[] = [];
  #ending: 'no' | 'end' | 'reset' = 'no';
  #open = false;
  #sink: Socket | undefined;

  attach(sink: Socket): void {
    this.#sink = sink;
    this.#flush();
  }

  setOpen(open: boolean): void {
    this.#open = open;
    this.#flush();
  }

  push(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#flush();
  }

  finish(how: 'end' | 'reset'): void {
    this.#ending = how;
    this.#flush();
  }

  #flush(): void {
    const sink = this.#sink;
    if (!this.#open || sink === undefined || sink.destroyed) return;
    for (const chunk of this.#held.splice(0)) sink.write(chunk);
    if (this.#ending === 'end') sink.end();
    if (this.#ending === 'reset') resetSocket(sink);
  }
}

/** What a link asks of, and tells, the proxy it belongs to. */
export interface LinkOwner {
  /** `zookeeper` looks at the frames; `raw` passes bytes. */
  readonly protocol: 'zookeeper' | 'raw';
  /** Changes the first bytes that a client sends. */
  readonly rewriteFirst: ((chunk: Buffer) => Buffer) | undefined;
  /** Connects to the target; rejects when it cannot. */
  dial(): Promise<Socket>;
  clientBytes(count: number): void;
  serverBytes(count: number): void;
  /** A request went by; what it returns is whether its reply is to be swallowed. */
  request(request: Request): 'pass' | 'swallow-and-keep' | 'swallow-and-reset';
  /** A reply was swallowed. */
  swallowed(request: Request): void;
  closed(link: Link): void;
}

/** One proxied connection. */
export class Link {
  readonly #toServer = new Lane();
  readonly #toClient = new Lane();
  readonly #fromClient = new FrameSplitter();
  readonly #fromServer = new FrameSplitter();
  readonly #swallow = new Map<number, { request: Request; reset: boolean }>();
  #greeted = false;
  #rewrite: ((chunk: Buffer) => Buffer) | undefined;
  #dialled = false;
  #upstream: Socket | undefined;

  constructor(
    private readonly client: Socket,
    private readonly owner: LinkOwner,
  ) {
    this.#rewrite = owner.rewriteFirst;
    this.#toClient.attach(client);
    client.on('data', (chunk) => this.#onClientData(chunk));
    client.on('end', () => this.#toServer.finish('end'));
    client.on('error', () => this.#toServer.finish('reset'));
    client.on('close', () => this.#onClose());
  }

  /** Lets bytes pass, or holds them. The target is dialled when the way to it is open for the first time. */
  setOpen(toServer: boolean, toClient: boolean): void {
    this.#toServer.setOpen(toServer);
    this.#toClient.setOpen(toClient);
    if (!toServer || this.#dialled) return;
    this.#dialled = true;
    this.owner.dial().then(
      (socket) => this.#onDialled(socket),
      () => this.#toClient.finish('reset'),
    );
  }

  /** RST to both sides; what is held is lost. */
  reset(): void {
    resetSocket(this.client);
    if (this.#upstream !== undefined) resetSocket(this.#upstream);
  }

  #onDialled(socket: Socket): void {
    this.#upstream = socket;
    socket.on('data', (chunk) => this.#onServerData(chunk));
    socket.on('end', () => this.#toClient.finish('end'));
    socket.on('error', () => this.#toClient.finish('reset'));
    socket.on('close', () => this.#onClose());
    // The client may have gone while we dialled, without a last word.
    if (this.client.destroyed) resetSocket(socket);
    this.#toServer.attach(socket);
  }

  #onClientData(chunk: Buffer): void {
    this.owner.clientBytes(chunk.length);
    const bytes = this.#rewrite?.(chunk) ?? chunk;
    this.#rewrite = undefined;
    if (this.owner.protocol === 'zookeeper') this.#readRequests(bytes);
    this.#toServer.push(bytes);
  }

  #readRequests(chunk: Buffer): void {
    const { foreign, frames } = this.#fromClient.push(chunk);
    if (foreign) return;
    for (const frame of frames) {
      // The first frame is the connect request, which has no header.
      if (!this.#greeted) {
        this.#greeted = true;
        continue;
      }
      const request = decodeRequest(frame);
      const verdict = this.owner.request(request);
      if (verdict !== 'pass') {
        this.#swallow.set(request.xid, { request, reset: verdict === 'swallow-and-reset' });
      }
    }
  }

  #onServerData(chunk: Buffer): void {
    this.owner.serverBytes(chunk.length);
    if (this.owner.protocol === 'raw') {
      this.#toClient.push(chunk);
      return;
    }
    const { foreign, frames } = this.#fromServer.push(chunk);
    for (const frame of frames) {
      const doomed = foreign || frame.length < 20 ? undefined : this.#swallow.get(frame.readInt32BE(4));
      if (doomed === undefined) {
        this.#toClient.push(frame);
        continue;
      }
      this.#swallow.delete(doomed.request.xid);
      this.owner.swallowed(doomed.request);
      if (doomed.reset) {
        this.reset();
        return;
      }
    }
  }

  #onClose(): void {
    if (this.client.destroyed && (this.#upstream === undefined || this.#upstream.destroyed)) {
      this.owner.closed(this);
    }
  }
}
