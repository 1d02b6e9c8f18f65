import { NotPermittedError, ServiceUnreachableError, SessionLostError } from '../../util/errors.js';
import { type Server, showServer } from '../address.js';
import { OUT_OF_REACH, TLS_REFUSED } from '../hints.js';
import { isTlsRefusal } from './dial.js';

/** Why connections failed lately, server by server, and what to tell the user about it. */
export class ConnectionFailures {
  readonly #servers: readonly Server[];
  readonly #failures = new Map<Server, Error>();
  #count = 0;

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  add(server: Server, error: Error): void {
    this.#count += 1;
    this.#failures.set(server, error);
  }

  /** There is a connection. */
  clear(): void {
    this.#failures.clear();
  }

  /** How many there were in all. */
  get count(): number {
    return this.#count;
  }

  /** Whether trying again cannot help: there is no TLS to be had with any of the servers. */
  get areRefusals(): boolean {
    return this.#servers.every((server) => isTlsRefusal(this.#failures.get(server)));
  }

  /** `127.0.0.1:2181: connect ECONNREFUSED; zk2:2181: …` */
  toString(): string {
    return [...this.#failures].map(([server, error]) => describe(server, error)).join('; ');
  }

  /** No session within the limit. */
  unreachable(): ServiceUnreachableError {
    const nothing = `${this.#servers.map(showServer).join(', ')}: no answer`;
    return new ServiceUnreachableError(`no ZooKeeper session: ${this.toString() || nothing}`, OUT_OF_REACH);
  }

  /** No session, and none to be had. */
  refused(): NotPermittedError {
    return new NotPermittedError(`no TLS with ZooKeeper: ${this}`, TLS_REFUSED);
  }

  /** A session that no server can be asked about any more. */
  outOfReach(silenceMs: number): SessionLostError {
    const silence = `no ZooKeeper server was reached for ${Math.round(silenceMs)} ms`;
    return new SessionLostError(`${silence}, longer than the session timeout: ${this}`);
  }
}

function describe(server: Server, error: Error): string {
  const text = error.message !== '' ? error.message : 'code' in error ? String(error.code) : error.name;
  return `${showServer(server)}: ${text}`;
}
