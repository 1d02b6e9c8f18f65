import { setMaxListeners } from 'node:events';
import type { Client } from 'node-zookeeper-client';
import type { Farewell } from '../../child/child.js';
import { delay, orAborted, whenAborted } from '../../util/abort.js';
import { NotPermittedError, SessionLostError } from '../../util/errors.js';
import { type Server, showServer } from '../address.js';
import { Connection } from './connection.js';
import { ConnectionFailures } from './connection-failures.js';
import { type Dial, dialer } from './dial.js';
import { farewellBytes, TAKEN } from './farewell.js';
import { createLibraryClient, STATE } from './library.js';
import { Names } from './names.js';
import { Nodes } from './nodes.js';
import { isUnsettled, OperationError } from './operation-error.js';
import { Pulse } from './pulse.js';
import { Requests } from './requests.js';
import type { SessionOptions } from './session-options.js';
import { SignsOfLife } from './signs-of-life.js';

/** Why a session ended: the servers' word, their refusal, nobody to ask for a whole timeout, or our own wish. */
export type SessionEnd = 'expired' | 'refused' | 'silence' | 'closed';

type State =
  | { readonly at: 'connecting' }
  | { readonly at: 'connected' }
  | { readonly at: 'disconnected'; readonly since: number }
  | { readonly at: 'closing' }
  | { readonly at: 'over'; readonly end: SessionEnd };

/** How long a goodbye may take before the socket is closed without one. It takes milliseconds where somebody answers. */
const CLOSE_LIMIT_MS = 400;

/**
 * One ZooKeeper session over `node-zookeeper-client`, one object a session, never used for another.
 *
 * - operations never queue while disconnected, and every one of them settles
 * - a server that is silent for 2T/3 is left for the next
 * - watches tell that something may have changed, and so does every reconnect: look again
 *
 * Not promised: that a session which counts as alive here is so on the servers. A lease has its own deadline.
 */
export class Session {
  /** What the leader can be proven to have heard of us. */
  readonly signs = new SignsOfLife();
  /** The operations on nodes. */
  readonly nodes: Nodes;
  readonly #options: SessionOptions;
  readonly #client: Client;
  readonly #connection: Connection;
  readonly #requests: Requests;
  readonly #pulse: Pulse;
  readonly #over = new AbortController();
  readonly #failures: ConnectionFailures;
  readonly #guards = new Set<() => void>();
  readonly #reconnected = new Set<() => void>();
  #state: State = { at: 'connecting' };

  private constructor(options: SessionOptions, dial: Dial) {
    const { clock } = options;
    this.#options = options;
    // Every wait in line and every lease of a session is told of its end.
    setMaxListeners(0, this.#over.signal);
    this.#failures = new ConnectionFailures(options.ensemble.servers);
    this.#client = createLibraryClient(options.ttlMs);
    const manager = this.#client.connectionManager;
    this.#requests = new Requests({
      clock,
      limitMs: () => (this.ttlMs * 2) / 3,
      onAnswered: (sentAt, answeredAt) => this.signs.answered(sentAt, answeredAt),
      onUseless: (reason) => this.switchServer(reason),
    });
    this.#pulse = new Pulse({
      clock,
      ttlMs: () => this.ttlMs,
      isConnected: () => this.isConnected,
      ping: () => manager.onSocketTimeout(),
      onSilentServer: (silenceMs) => this.switchServer(`silent for ${Math.round(silenceMs)} ms`),
      onSilence: (silenceMs) => this.#end('silence', this.#failures.outOfReach(silenceMs)),
    });
    this.nodes = new Nodes(this.#client, options.acl, (operation, path, start) => {
      if (this.#over.signal.aborted) return Promise.reject(this.#over.signal.reason);
      if (!this.isConnected) return Promise.reject(new OperationError('CONNECTION_LOSS', operation, path));
      return this.#requests.run(operation, path, start);
    });
    this.#connection = new Connection(manager, {
      servers: options.ensemble.servers,
      dial,
      clock,
      random: options.random,
      onHeard: () => {
        for (const guard of this.#guards) guard();
        this.#pulse.heard();
      },
      onFailure: (server, error) => this.#failed(server, error),
    });
    manager.on('state', (state: number) => this.#follow(state));
    if (options.digest !== undefined) this.#client.addAuthInfo('digest', options.digest);
  }

  /**
   * Opens a session.
   * @throws ServiceUnreachableError when no server gave one within the limit or the attempts
   * @throws NotPermittedError when the servers refuse the credentials
   */
  static async open(options: SessionOptions, signal: AbortSignal): Promise<Session> {
    const session = new Session(
      options,
      await dialer(options.tls, new Names(options.clock, options.log).lookup),
    );
    const limit = options.clock.setTimer(options.connectLimitMs, () =>
      session.#end('silence', session.#failures.unreachable()),
    );
    try {
      session.#client.connect();
      await orAborted(session.connected(), signal);
      return session;
    } catch (error) {
      session.#end('closed', new SessionLostError('the session was given up'));
      throw error;
    } finally {
      limit.cancel();
    }
  }

  /** The 64-bit id of the session, as nodes carry it in `ephemeralOwner`. */
  get id(): bigint {
    return this.#client.getSessionId().readBigUInt64BE();
  }

  /** The negotiated session timeout, ms. */
  get ttlMs(): number {
    return this.#client.connectionManager.sessionTimeout;
  }

  /** What ends this session when said to any of its servers by another process: the one that we are at, if any, first. */
  get farewell(): Farewell {
    const { ensemble, tls } = this.#options;
    const { socket } = this.#client.connectionManager;
    const here =
      this.isConnected && socket?.remoteAddress !== undefined && socket.remotePort !== undefined
        ? [{ host: socket.remoteAddress, port: socket.remotePort }]
        : [];
    return {
      // By name first, where a certificate is to be checked for the name.
      addresses: tls === undefined ? [...here, ...ensemble.servers] : ensemble.servers,
      ...(tls === undefined ? {} : { tls }),
      bytes: farewellBytes(this.id, this.#client.getSessionPassword(), this.ttlMs),
      taken: TAKEN,
    };
  }

  /** How many servers there are to choose from. */
  get servers(): number {
    return this.#options.ensemble.servers.length;
  }

  /** Aborts when the session has ended, with the error that tells why. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Why it ended, once it has. */
  get end(): SessionEnd | undefined {
    return this.#state.at === 'over' ? this.#state.end : undefined;
  }

  get isConnected(): boolean {
    return this.#state.at === 'connected';
  }

  /** Calls `guard` before anything else whenever bytes come in; returns the way to stop that. */
  guard(guard: () => void): () => void {
    this.#guards.add(guard);
    return () => this.#guards.delete(guard);
  }

  /** Calls `listener` after each reconnect of this session; returns the way to stop that. */
  onReconnected(listener: () => void): () => void {
    this.#reconnected.add(listener);
    return () => this.#reconnected.delete(listener);
  }

  /** Resolves once connected, at once if it is; rejects with the reason when the session is over. */
  async connected(): Promise<void> {
    while (!this.isConnected) {
      if (this.#over.signal.aborted) throw this.#over.signal.reason;
      // Whoever waits for a session that lives for weeks leaves nothing behind at it.
      const forget: (() => void)[] = [];
      await new Promise<void>((resolve) => {
        forget.push(this.onReconnected(resolve), whenAborted(this.#over.signal, resolve));
      });
      for (const one of forget) one();
    }
  }

  /**
   * Runs operations that may be run twice, again and again over reconnects, until they are settled.
   * @throws OperationError with what the server answered; the reason of `over` or of `signal`
   */
  async persist<T>(operations: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      await orAborted(this.connected(), signal);
      try {
        return await orAborted(operations(), signal);
      } catch (error) {
        if (this.#over.signal.aborted) throw this.#over.signal.reason;
        if (!isUnsettled(error)) throw error;
        // Connected still: the server is overloaded, and says so. It is not asked again at once.
        if (this.isConnected) await delay(this.ttlMs / 20, this.#options.clock, signal);
      }
    }
  }

  /** Leaves the present server for the next one; the session goes on. */
  switchServer(reason: string): void {
    this.#connection.drop(new Error(reason));
  }

  /**
   * Ends the session: with a goodbye, which makes the servers delete our nodes at once, if there is a connection;
   * otherwise they stay until the session expires. Never rejects, never takes much longer than {@link CLOSE_LIMIT_MS}.
   */
  async close(): Promise<void> {
    if (this.isConnected) {
      this.#state = { at: 'closing' };
      const manager = this.#client.connectionManager;
      await new Promise<void>((resolve) => {
        const limit = this.#options.clock.setTimer(CLOSE_LIMIT_MS, resolve);
        manager.on('state', (state: number) => {
          if (state !== STATE.closed) return;
          limit.cancel();
          resolve();
        });
        this.#client.close();
      });
    }
    this.#end('closed', new SessionLostError('the session was closed'));
  }

  #failed(server: Server, error: Error): void {
    const failures = this.#failures;
    failures.add(server, error);
    this.#options.log.debug({ failure: `${failures}` }, 'a connection to ZooKeeper ended');
    if (this.#state.at !== 'connecting') return;
    if (failures.areRefusals) this.#end('refused', failures.refused());
    else if (failures.count >= this.#options.connectAttempts) this.#end('silence', failures.unreachable());
  }

  #follow(state: number): void {
    if (this.#state.at === 'over' || this.#state.at === 'closing') return;
    if (state === STATE.connected) this.#connectedNow();
    else if (state === STATE.expired) {
      this.#end('expired', new SessionLostError(`the ZooKeeper session ${this.#shownId} expired`));
    } else if (state === STATE.refused) {
      this.#end(
        'refused',
        new NotPermittedError('ZooKeeper refused the credentials', { settings: ['login'] }),
      );
    } else if (state === STATE.disconnected && this.#state.at === 'connected') {
      this.#state = { at: 'disconnected', since: this.#options.clock.now() };
      this.#options.log.info({}, `disconnected from ZooKeeper (${this.#failures}); reconnecting`);
      this.#requests.settleAll();
    }
  }

  #connectedNow(): void {
    const { clock, log } = this.#options;
    const { server } = this.#connection;
    const where = server === undefined ? '' : ` at ${showServer(server)}`;
    const fields = { session: this.#shownId, sessionTimeoutMs: this.ttlMs };
    if (this.#state.at === 'disconnected') {
      const afterMs = Math.round(clock.now() - this.#state.since);
      log.info(fields, `reconnected to ZooKeeper${where} after ${afterMs} ms, in the same session`);
    } else log.debug(fields, `connected to ZooKeeper${where}`);
    this.#state = { at: 'connected' };
    this.signs.metLeader(this.#connection.openedAt);
    this.#failures.clear();
    this.#pulse.start();
    // Not now: the library has still to send what renews the credentials and the watches.
    queueMicrotask(() => {
      for (const listener of [...this.#reconnected]) listener();
    });
  }

  get #shownId(): string {
    return `0x${this.id.toString(16)}`;
  }

  #end(end: SessionEnd, reason: Error): void {
    if (this.#state.at === 'over') return;
    this.#state = { at: 'over', end };
    this.#pulse.stop();
    this.#connection.stop();
    this.#over.abort(reason);
    this.#requests.settleAll();
  }
}
