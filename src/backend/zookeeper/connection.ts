import type { ConnectionManager } from 'node-zookeeper-client';
import type { Clock, Timer } from '../../util/clock.js';
import type { Server } from '../address.js';
import type { Dial } from './dial.js';
import { FrameSplitter } from './framing.js';
import { STATE } from './library.js';

export interface ConnectionOptions {
  readonly servers: readonly Server[];
  readonly dial: Dial;
  readonly clock: Clock;
  /** 0 to 1, as `Math.random`. */
  readonly random: () => number;
  /** Called before anything else when bytes come in. */
  readonly onHeard: () => void;
  /** An attempt, or an established connection, ended; the next server is tried unless the connection was stopped. */
  readonly onFailure: (server: Server, error: Error) => void;
}

/** A connection that lived less than this counts as a failed attempt: some servers shake hands, then hang up. */
const SHORT_LIFE_MS = 1000;
/**
 * The longest that one server may take from TCP connect to session, in the first round: others are waiting to be tried.
 * Each round of them doubles it, since a session is a write, and an ensemble with slow disks may need longer for one than
 * any fixed limit. Servers that refuse are quick, and change nothing.
 */
const LONGEST_HANDSHAKE_MS = 2000;
const SHORTEST_HANDSHAKE_MS = 200;

/**
 * The connection of one session, put in the place of the library's own connecting and reading:
 * - a server that accepts and never shakes hands is left for the next one (the library waits for ever)
 * - nothing of one connection is read into the next (its `pendingBuffer` survives a reconnect)
 * - nothing that a peer sends escapes as an exception into the event loop
 * - no tight loop against a server that shakes hands and hangs up (2400 connections a second were seen)
 * - TLS, host names resolved anew for each attempt, IPv6
 */
export class Connection {
  readonly #manager: ConnectionManager;
  readonly #options: ConnectionOptions;
  readonly #deliver: (frame: Buffer) => void;
  #next: number;
  #openedAt = 0;
  #server: Server | undefined;
  #failuresInARow = 0;
  /** Servers that did not answer the connect request in time, since the last session or reconnect. */
  #slowInARow = 0;
  #pause: Timer | undefined;
  #ending: Error | undefined;
  #stopped = false;

  constructor(manager: ConnectionManager, options: ConnectionOptions) {
    this.#manager = manager;
    this.#options = options;
    this.#next = Math.floor(options.random() * options.servers.length);
    this.#deliver = manager.onSocketData.bind(manager);
    // The library divides the session timeout by their number, and reads nothing else of them.
    manager.servers = options.servers;
    manager.connect = () => this.#connect();
  }

  /** When the last one was begun, monotonic ms: before anything was sent over it. */
  get openedAt(): number {
    return this.#openedAt;
  }

  /** Which server the last one is to, by the name we were given; a connection that was reset has no address any more. */
  get server(): Server | undefined {
    return this.#server;
  }

  /** Hangs up; the session goes on, and the next server is tried. */
  drop(reason: Error): void {
    this.#ending = reason;
    this.#manager.socket?.destroy();
  }

  /** Hangs up for good. */
  stop(): void {
    this.#stopped = true;
    this.#pause?.cancel();
    this.#manager.socket?.destroy();
  }

  #connect(): void {
    if (this.#stopped) return;
    this.#manager.setState(STATE.connecting);
    this.#pause?.cancel();
    const pauseMs = this.#pauseMs();
    if (pauseMs === 0) queueMicrotask(() => this.#open());
    else this.#pause = this.#options.clock.setTimer(pauseMs, () => this.#open());
  }

  /** None while servers are left that have not failed since the last good connection; then up to T/40, at random. */
  #pauseMs(): number {
    if (this.#failuresInARow < this.#options.servers.length) return 0;
    const spin = Math.min(500, Math.max(50, this.#manager.sessionTimeout / 40));
    return spin * (0.5 + this.#options.random() / 2);
  }

  #handshakeMs(): number {
    const { sessionTimeout } = this.#manager;
    const servers = this.#options.servers.length;
    const share = sessionTimeout / (4 * servers);
    const first = Math.min(LONGEST_HANDSHAKE_MS, Math.max(SHORTEST_HANDSHAKE_MS, share));
    const round = Math.floor(this.#slowInARow / servers);
    return Math.min(first * 2 ** round, Math.max(first, (sessionTimeout * 2) / 3));
  }

  #open(): void {
    const server = this.#options.servers[this.#next++ % this.#options.servers.length];
    if (this.#stopped || server === undefined) return;
    const { clock, onHeard } = this.#options;
    const manager = this.#manager;
    const splitter = new FrameSplitter();
    const openedAt = clock.now();
    this.#openedAt = openedAt;
    this.#server = server;
    let failure: Error | undefined;
    this.#ending = undefined;
    manager.pendingBuffer = null;

    const { dial } = this.#options;
    const socket = dial.connect(server);
    manager.socket = socket;
    socket.setNoDelay();
    // The library pings when the socket is idle, so that a stream of notifications starves the pings and the
    // session expires on a healthy connection. The session has a ping clock of its own.
    socket.setTimeout = () => socket;
    const limit = this.#handshakeMs();
    const handshake = clock.setTimer(limit, () => {
      failure = new Error(`no answer to the connect request in ${Math.round(limit)} ms`);
      this.#slowInARow += 1;
      socket.destroy();
    });
    socket.on(dial.ready, () => {
      if (manager.socket === socket) manager.onSocketConnected();
    });
    socket.on('data', (chunk: Buffer) => {
      onHeard();
      if (manager.socket !== socket) return;
      try {
        for (const frame of splitter.push(chunk)) {
          if (socket.destroyed) break;
          this.#read(frame);
          handshake.cancel();
        }
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error));
        socket.destroy();
      }
    });
    socket.on('drain', () => manager.socket === socket && manager.onSocketDrain());
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      handshake.cancel();
      if (manager.socket !== socket) return;
      const lived = manager.state === STATE.connected && clock.now() - openedAt >= SHORT_LIFE_MS;
      this.#failuresInARow = lived ? 0 : this.#failuresInARow + 1;
      if (lived) this.#slowInARow = 0;
      const reason = this.#ending ?? failure ?? new Error('the server closed the connection');
      this.#options.onFailure(server, reason);
      manager.pendingBuffer = null;
      // What is queued would be sent over the next connection, or in another session.
      manager.packetQueue.queue.length = 0;
      manager.onSocketClosed();
    });
  }

  /** Hands the library one whole frame, and keeps the last seen zxid from going back: it lets a lagging server in. */
  #read(frame: Buffer): void {
    const manager = this.#manager;
    const seen = manager.zxid;
    this.#deliver(frame);
    if (Buffer.compare(manager.zxid, seen) < 0 || (manager.zxid[0] ?? 0) >= 0x80) manager.zxid = seen;
  }
}
