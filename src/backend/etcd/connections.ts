import { setMaxListeners } from 'node:events';
import type { Log } from '../../util/log.js';
import { type Server, showServer } from '../address.js';
import type { EtcdClient } from './client.js';
import { NoAnswerError } from './failure.js';

/** What requests go over, until it proves to be of no use. */
export interface Connection {
  readonly client: EtcdClient;
  /** `undefined` when the client is not of our making. */
  readonly server: Server | undefined;
  /** Aborts when it is given up, with the reason. */
  readonly over: AbortSignal;
}

export interface Dialled {
  readonly client: EtcdClient;
  readonly close: () => void;
  /** It works: the first answer came. */
  readonly answered: () => void;
}

/** How to reach one server. */
export interface Way {
  readonly server: Server | undefined;
  readonly dial: () => Dialled;
}

interface Current {
  readonly connection: Connection;
  readonly end: (reason: Error) => void;
  readonly answered: () => void;
}

/**
 * One connection at a time, to one of the servers. A server that does not answer keeps its connection open, and the library
 * would wait on it for minutes (the kernel's patience with a silent peer): so it is given up by us, and the next one, to
 * the next server, is a new one.
 */
export class Connections {
  readonly #ways: readonly Way[];
  readonly #log: Log;
  #at: number;
  #current: Current | undefined;
  #closed: Error | undefined;
  /** The last one answered, and nothing is said yet of its end. */
  #wellKnown = false;

  /** @param first index of the way to begin with */
  constructor(ways: readonly Way[], first: number, log: Log) {
    this.#ways = ways;
    this.#at = first;
    this.#log = log;
  }

  /** @throws the reason, when all was closed */
  get current(): Connection {
    if (this.#closed !== undefined) throw this.#closed;
    this.#current ??= this.#dial();
    return this.#current.connection;
  }

  /** All servers, the one in use first. */
  get servers(): readonly Server[] {
    const inOrder = [...this.#ways.slice(this.#at), ...this.#ways.slice(0, this.#at)];
    return inOrder.flatMap(({ server }) => server ?? []);
  }

  /** A request over it was answered. */
  answered(connection: Connection): void {
    if (this.#wellKnown || connection !== this.#current?.connection) return;
    this.#wellKnown = true;
    this.#current.answered();
    this.#log.info({}, `connected to etcd${shown(connection)}`);
  }

  /** It proved to be of no use: what is under way over it fails, and the next server is the next to be asked. */
  giveUp(connection: Connection, why: string): void {
    if (connection !== this.#current?.connection) return;
    const fields = { reason: why };
    const line = `gave up the connection to etcd${shown(connection)}: ${why}`;
    if (this.#wellKnown) this.#log.info(fields, line);
    else this.#log.debug(fields, line);
    this.#wellKnown = false;
    this.#at = (this.#at + 1) % this.#ways.length;
    this.#end(new NoAnswerError(why));
  }

  close(reason: Error): void {
    this.#closed ??= reason;
    this.#end(reason);
  }

  #end(reason: Error): void {
    const current = this.#current;
    this.#current = undefined;
    current?.end(reason);
  }

  #dial(): Current {
    const way = this.#ways[this.#at];
    if (way === undefined) throw new Error('there is no server to connect to');
    const { client, close, answered } = way.dial();
    const over = new AbortController();
    // Every request under way is told of its end.
    setMaxListeners(0, over.signal);
    const end = (reason: Error) => {
      over.abort(reason);
      close();
    };
    return { connection: { client, server: way.server, over: over.signal }, end, answered };
  }
}

function shown({ server }: Connection): string {
  return server === undefined ? '' : ` at ${showServer(server)}`;
}
