import { Leadership } from './leadership.js';
import type { Random } from './random.js';
import { type LockNode, type Operation, Server } from './server.js';
import type { Timeline } from './timeline.js';
import { Wire } from './wire.js';

/** What an ensemble is set up with. */
export interface EnsembleOptions {
  readonly servers: number;
  readonly tickMs: number;
  readonly ttlMs: number;
  readonly syncLimit: number;
}

/** Between servers: the slowest packet, ms. */
const SLOWEST_MS = 2;

/** Several servers, the ways between them, and their elections. */
export class Ensemble {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly servers: readonly Server[];
  readonly tickMs: number;
  readonly ttlMs: number;
  readonly syncLimit: number;
  /** What a quorum has agreed on: the truth, whoever knows of it. */
  readonly agreed = new Map<string, LockNode>();
  /** Called when nodes go, by agreement. */
  onRemoved: (node: LockNode) => void = () => {};
  readonly #wires: readonly (readonly Wire[])[];
  #epoch = 0;
  #sessions = 0;
  #considering = false;

  constructor(timeline: Timeline, random: Random, options: EnsembleOptions) {
    this.timeline = timeline;
    this.random = random;
    this.tickMs = options.tickMs;
    this.ttlMs = options.ttlMs;
    this.syncLimit = options.syncLimit;
    this.servers = Array.from({ length: options.servers }, (_, id) => new Server(id, this));
    this.#wires = this.servers.map(() => this.servers.map(() => new Wire(timeline, random, SLOWEST_MS)));
    this.#elect();
  }

  get leader(): Server | undefined {
    return this.servers.find((server) => server.isUp && server.isLeading);
  }

  isQuorum(count: number): boolean {
    return count * 2 > this.servers.length;
  }

  newSession(): number {
    this.#sessions += 1;
    return this.#sessions;
  }

  /** One packet of a reign, from server to server; it is lost when either has left it meanwhile. */
  send(from: Server, to: Server, reign: Leadership, arrive: () => void): void {
    this.#wire(from, to)?.send(() => {
      if (to.isUp && to.leadership === reign) arrive();
    });
  }

  /** Cuts a server off from others, both ways. */
  cut(a: Server, b: Server): void {
    this.#wire(a, b)?.silence();
    this.#wire(b, a)?.silence();
  }

  mend(a: Server, b: Server): void {
    const again = this.random.between(0, this.tickMs / 4);
    this.#wire(a, b)?.heal(again);
    this.#wire(b, a)?.heal(again);
  }

  /** kill -9: its peers and its clients hear of it at once, where there is a way. */
  kill(server: Server): void {
    this.timeline.say?.(`server ${server.id} is killed`);
    const reign = server.leadership;
    server.isUp = false;
    server.leadership = undefined;
    for (const connection of [...server.connections]) connection.closeByServer();
    if (reign !== undefined) this.hangUp(server, reign);
  }

  /** A server closes its connections to the others of a reign. */
  hangUp(server: Server, reign: Leadership): void {
    if (reign.leader !== server) {
      this.#wire(server, reign.leader)?.send(() => {
        if (server.leadership !== reign) reign.drop(server);
      });
      return;
    }
    for (const peer of this.servers) {
      if (peer === server || peer.leadership !== reign) continue;
      this.#wire(server, peer)?.send(() => {
        if (peer.leadership === reign) peer.look('its leader hung up');
      });
    }
  }

  restart(server: Server): void {
    this.timeline.say?.(`server ${server.id} is up again`);
    server.isUp = true;
    this.considerElection();
  }

  /** A quorum has it. */
  onCommit({ kind, session, path }: Operation, zxid: number): void {
    if (kind === 'create' && !this.agreed.has(path)) this.agreed.set(path, { path, session, czxid: zxid });
    for (const node of this.agreed.values()) {
      const goes =
        (kind === 'remove' && node.path === path) || (kind === 'close' && node.session === session);
      if (!goes) continue;
      this.agreed.delete(node.path);
      this.onRemoved(node);
    }
  }

  /** Somebody looks for a leader: that takes a while, and is done again until nobody looks any more. */
  considerElection(): void {
    if (this.#considering) return;
    this.#considering = true;
    this.timeline.in(this.random.between(this.tickMs / 20, this.tickMs), () => {
      this.#considering = false;
      this.#elect();
      if (this.servers.some((server) => server.isUp && server.leadership === undefined)) {
        this.considerElection();
      }
    });
  }

  /** Who finds a leader follows it; of a quorum that looks, the one that knows most leads (FastLeaderElection). */
  #elect(): void {
    const looking = this.servers.filter((server) => server.isUp && server.leadership === undefined);
    for (const server of looking) {
      const reign = this.servers.map((peer) => peer.leadership).find((one) => this.#isOpenTo(one, server));
      reign?.adopt(server);
    }
    const left = looking.filter((server) => server.leadership === undefined);
    const best = left.sort((a, b) => b.lastLogged - a.lastLogged || b.id - a.id);
    for (const leader of best) {
      const followers = best.filter((peer) => peer !== leader && this.#isConnected(peer, leader));
      if (!this.isQuorum(followers.length + 1)) continue;
      this.#epoch += 1;
      this.timeline.say?.(`server ${leader.id} leads ${followers.map((peer) => peer.id).join(', ')}`);
      new Leadership(this, leader, followers, this.#epoch);
      return;
    }
  }

  #isOpenTo(reign: Leadership | undefined, server: Server): reign is Leadership {
    return reign?.isActive === true && this.#isConnected(server, reign.leader);
  }

  #isConnected(a: Server, b: Server): boolean {
    return this.#wire(a, b)?.silent === false && this.#wire(b, a)?.silent === false;
  }

  #wire(from: Server, to: Server): Wire | undefined {
    return this.#wires[from.id]?.[to.id];
  }
}
