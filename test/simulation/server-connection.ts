import type { Ensemble } from './ensemble.js';
import type { Process } from './process.js';
import type { LockNode, Operation, Reply, Server } from './server.js';
import { CODE } from './server.js';
import type { Wire } from './wire.js';

/** The way between a client's machine and a server's. */
export interface Link {
  readonly up: Wire;
  readonly down: Wire;
}

/** What a client wants to hear of its connection. */
export interface Listener {
  /** Something came in; `zxid` is the last that the server had applied when it sent that. */
  readonly onHeard: (zxid: number) => void;
  readonly onClosed: () => void;
  readonly onRemoved: (paths: readonly string[]) => void;
}

/** How a handshake ended that was answered. */
export type Welcome = { readonly session: number } | 'expired';

/**
 * One TCP connection between a process and a server, both ends of it. Each end closes by itself and the other hears of
 * it later, or never, when packets vanish.
 */
export class ServerConnection {
  /** Whose it is, once the server knows. */
  session: number | undefined;
  readonly #client: Process;
  readonly #ensemble: Ensemble;
  readonly #server: Server;
  readonly #link: Link;
  readonly #listener: Listener;
  #openHere = true;
  #openThere = true;

  constructor(client: Process, ensemble: Ensemble, server: Server, link: Link, listener: Listener) {
    this.#client = client;
    this.#ensemble = ensemble;
    this.#server = server;
    this.#link = link;
    this.#listener = listener;
    server.connections.add(this);
    client.onDeath(() => this.#hangUp());
  }

  get server(): Server {
    return this.#server;
  }

  /** Asks for the session, or for a new one. A server that is down refuses; one that follows nobody hangs up. */
  connect(session: number | undefined, lastSeen: number, welcome: (welcome: Welcome) => void): void {
    this.#toServer(() => {
      const server = this.#server;
      const reign = server.leadership;
      // A server that lags behind what the client has seen does not take it (ZooKeeperServer.processConnectRequest).
      if (!server.isServing || reign === undefined || server.lastApplied < lastSeen)
        return this.closeByServer();
      if (session === undefined) {
        const fresh = this.#ensemble.newSession();
        const operation: Operation = { kind: 'open', session: fresh, path: '' };
        reign.ask(server, () =>
          reign.request(operation, server, () => this.#welcome({ session: fresh }, welcome)),
        );
        return;
      }
      reign.ask(server, () =>
        reign.revalidate(session, server, (isValid) => {
          if (isValid) server.touch(session);
          this.#welcome(isValid ? { session } : 'expired', welcome);
        }),
      );
    });
  }

  /** Answered by the server alone, whatever its leader thinks. */
  ping(answer: () => void): void {
    this.#toServer(() => {
      this.#touch();
      this.#toClient(answer);
    });
  }

  /** Answered by the server from what it has applied. */
  read(answer: (server: ReadonlyMap<string, LockNode>) => void): void {
    this.#toServer(() => {
      this.#touch();
      const seen = new Map(this.#server.nodes);
      this.#toClient(() => answer(seen));
    });
  }

  /** Goes through the leader and a quorum. */
  write(operation: Operation, answer: Reply): void {
    this.#toServer(() => {
      const server = this.#server;
      const reign = server.leadership;
      this.#touch();
      reign?.ask(server, () =>
        reign.request(operation, server, (code, node) => {
          this.#toClient(() => answer(code, node));
          if (operation.kind === 'close' && code === CODE.ok) this.closeByServer();
        }),
      );
    });
  }

  tellRemoved(paths: readonly string[]): void {
    this.#toClient(() => this.#listener.onRemoved(paths));
  }

  closeByServer(): void {
    if (!this.#openThere) return;
    this.#closeThere();
    this.#link.down.send(() => this.#client.run(() => this.#closeHere()));
  }

  closeByClient(): void {
    if (!this.#openHere) return;
    this.#openHere = false;
    this.#client.effect(() => this.#hangUp());
    this.#listener.onClosed();
  }

  /** A reset from the middle of the way: both ends hear of it. */
  reset(): void {
    this.closeByServer();
  }

  #hangUp(): void {
    this.#openHere = false;
    this.#link.up.send(() => this.#closeThere());
  }

  #closeHere(): void {
    if (!this.#openHere) return;
    this.#openHere = false;
    this.#listener.onClosed();
  }

  #closeThere(): void {
    this.#openThere = false;
    this.#server.connections.delete(this);
  }

  #touch(): void {
    if (this.session !== undefined) this.#server.touch(this.session);
  }

  #welcome(how: Welcome, welcome: (welcome: Welcome) => void): void {
    if (how === 'expired') {
      this.#toClient(() => welcome(how));
      this.closeByServer();
      return;
    }
    this.session = how.session;
    this.#toClient(() => welcome(how));
  }

  #toServer(arrive: () => void): void {
    this.#client.effect(() =>
      this.#link.up.send(() => {
        if (!this.#server.isUp) this.closeByServer();
        else if (this.#openThere) arrive();
      }),
    );
  }

  #toClient(arrive: () => void): void {
    if (!this.#openThere) return;
    const zxid = this.#server.lastApplied;
    this.#link.down.send(() =>
      this.#client.run(() => {
        if (!this.#openHere) return;
        this.#listener.onHeard(zxid);
        arrive();
      }),
    );
  }
}
