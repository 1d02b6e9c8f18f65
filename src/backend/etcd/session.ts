import { delay, orAborted, whenAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import { NotPermittedError, ServiceUnreachableError, SessionLostError } from '../../util/errors.js';
import type { Log } from '../../util/log.js';
import { OUT_OF_REACH } from '../hints.js';
import { type EtcdClient, within } from './client.js';
import type { Connection, Connections } from './connections.js';
import { failureOf, NoAnswerError, plainly } from './failure.js';

/** Of one request: as the library takes them. */
export interface CallOptions {
  readonly deadline: number;
}

/** One request, or a few that belong together. */
export type Work<T> = (client: EtcdClient, options: CallOptions) => Promise<T>;

export interface SessionOptions {
  readonly connections: Connections;
  /** Time to live to ask for, whole seconds in ms. */
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** The cluster knows no logins (any more): goes on without, over the next connection. False when there is none to do without. */
  readonly withoutLogin: () => boolean;
}

/** Pauses between attempts, ms: they double from the one to the other. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [50, 1000];

/** A request that nothing hangs on may take so long, ms, however short the time to live is. */
const SHORTEST_LIMIT_MS = 1000;

/** Requests that end: answered, refused, or given up together with the connection that left them without an answer. */
export class Session {
  readonly clock: Clock;
  readonly log: Log;
  readonly ttlMs: number;
  readonly #connections: Connections;
  readonly #withoutLogin: () => boolean;
  /** By connection: the raft term that the server was in when it answered last. */
  readonly #terms = new WeakMap<EtcdClient, string>();

  constructor({ connections, ttlMs, clock, log, withoutLogin }: SessionOptions) {
    this.#connections = connections;
    this.#withoutLogin = withoutLogin;
    this.ttlMs = ttlMs;
    this.clock = clock;
    this.log = log;
  }

  /** @throws SessionLostError when the session was closed */
  get connection(): Connection {
    return this.#connections.current;
  }

  /** A server has answered over this connection. */
  heard(client: EtcdClient, { raft_term }: { readonly raft_term: string }): void {
    this.#terms.set(client, raft_term);
  }

  /** The raft term that the server at the other end was in when it was heard last. It may be in a later one by now. */
  termOf(client: EtcdClient): string | undefined {
    return this.#terms.get(client);
  }

  /**
   * Tries once, over the connection that there is. One that leaves us without an answer is given up.
   * @throws NotPermittedError, NoAnswerError, SessionLostError when the session was closed; ServiceUnreachableError when the
   *   cluster takes no writes; errors of the library
   */
  async attempt<T>(work: Work<T>, limitMs = Math.max(SHORTEST_LIMIT_MS, this.ttlMs / 6)): Promise<T> {
    const connection = this.connection;
    // Not AbortSignal.any: before Node 24 each leaves something behind at the older signal, and a connection lives for weeks.
    const until = new AbortController();
    const late = () => until.abort(new NoAnswerError(`no answer within ${Math.round(limitMs)} ms`));
    const limit = this.clock.setTimer(limitMs, late);
    const forget = whenAborted(connection.over, () => until.abort(connection.over.reason));
    try {
      const result = await orAborted(work(connection.client, within(2 * limitMs)), until.signal);
      this.#connections.answered(connection);
      return result;
    } catch (error) {
      const failure = failureOf(error);
      if (failure === 'passing') this.#connections.giveUp(connection, plainly(error));
      if (failure === 'refused') throw notPermitted(error);
      if (failure === 'full') throw full(error);
      if (failure !== 'no-auth' || !this.#withoutLogin()) throw error;
      this.#connections.giveUp(connection, plainly(error));
    } finally {
      limit.cancel();
      forget();
    }
    return this.attempt(work, limitMs);
  }

  /**
   * Tries until there is an answer. `work` may have been done before each time, and must be as good when done twice.
   * @param limitMs how long; nothing that one may wait for outlives a time to live without any server's answer
   * @throws SessionLostError when there is none in time, and when the session was closed; the reason of `signal`; what
   *   `attempt` throws
   */
  async persist<T>(work: Work<T>, signal: AbortSignal, limitMs = this.ttlMs): Promise<T> {
    const begun = this.clock.now();
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      signal.throwIfAborted();
      try {
        return await orAborted(this.attempt(work), signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (failureOf(error) !== 'passing') throw error;
        const spentMs = this.clock.now() - begun;
        if (spentMs > limitMs) throw outOfReach(spentMs, error);
      }
      await delay(pause, this.clock, signal);
    }
  }

  close(reason: Error): void {
    this.#connections.close(reason);
  }
}

function notPermitted(cause: unknown): NotPermittedError {
  return new NotPermittedError(`etcd does not let us: ${plainly(cause)}`, {
    cause,
    hint: 'check the login, and what its role may read and write (etcdctl role get)',
    settings: ['login'],
  });
}

function full(cause: unknown): ServiceUnreachableError {
  return new ServiceUnreachableError(`etcd takes no writes: ${plainly(cause)}`, {
    cause,
    hint: 'make room in etcd: etcdctl compact, etcdctl defrag, then etcdctl alarm disarm',
  });
}

function outOfReach(spentMs: number, cause: unknown): SessionLostError {
  const message = `no etcd server did what it was asked for ${Math.round(spentMs)} ms: ${plainly(cause)}`;
  return new SessionLostError(message, { cause, ...OUT_OF_REACH });
}
