import type { Ensemble } from './ensemble.js';
import type { Leadership } from './leadership.js';
import type { ServerConnection } from './server-connection.js';

/** An ephemeral node: a place in line, and a permit when it is one of the first. */
export interface LockNode {
  readonly path: string;
  readonly session: number;
  readonly czxid: number;
}

/**
 * What a client may have the ensemble do. `write` is a setData or setACL: it changes nothing that matters here; `error`
 * is what a session that is being closed asked for.
 */
export interface Operation {
  readonly kind: 'open' | 'close' | 'create' | 'remove' | 'write' | 'error';
  readonly session: number;
  readonly path: string;
}

/** ZooKeeper's codes: done, no such node, session expired. */
export const CODE = { ok: 0, noNode: -101, expired: -112 } as const;
export type Code = (typeof CODE)[keyof typeof CODE];

/** Called at the server that the client is connected to. */
export type Reply = (code: Code, node?: LockNode) => void;

/** One proposal of a leader. */
export interface Entry {
  readonly zxid: number;
  readonly operation: Operation;
  readonly origin: { readonly server: Server; readonly reply: Reply } | undefined;
  /** Which servers have it in their logs, a bit each. */
  acks: number;
  committed: boolean;
}

/** One server: its log, what it has applied of it, and the clients that are connected to it. */
export class Server {
  readonly id: number;
  readonly #ensemble: Ensemble;
  isUp = true;
  /** Whom it leads or follows; undefined while it looks for a leader, and then it serves nobody. */
  leadership: Leadership | undefined;
  /** When its leader was last heard. */
  heardAt = 0;
  log: Entry[] = [];
  #applied = 0;
  readonly nodes = new Map<string, LockNode>();
  readonly sessions = new Set<number>();
  readonly connections = new Set<ServerConnection>();
  /** LearnerSessionTracker's touch table: who has shown life here since the leader last asked. */
  #touched = new Set<number>();

  constructor(id: number, ensemble: Ensemble) {
    this.id = id;
    this.#ensemble = ensemble;
  }

  get isServing(): boolean {
    return this.isUp && this.leadership !== undefined;
  }

  get isLeading(): boolean {
    return this.leadership?.leader === this;
  }

  get lastLogged(): number {
    return this.log.at(-1)?.zxid ?? 0;
  }

  get lastApplied(): number {
    return this.log[this.#applied - 1]?.zxid ?? 0;
  }

  /** A packet of the session came in: at a leader it counts now, at a follower when the leader asks next. */
  touch(session: number): void {
    if (this.isLeading) this.leadership?.tracker.touch(session, this.#ensemble.timeline.now);
    else this.#touched.add(session);
  }

  /** LearnerSessionTracker.snapshot: what goes to the leader in answer to its ping. */
  takeTouched(): ReadonlySet<number> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** Applies what is committed, and answers those who asked for it here. */
  applyUpTo(zxid: number): void {
    for (;;) {
      const entry = this.log[this.#applied];
      if (entry === undefined || entry.zxid > zxid) return;
      this.#applied += 1;
      const node = this.#apply(entry);
      if (entry.origin?.server !== this) continue;
      entry.origin.reply(codeOf(entry.operation, node), node);
    }
  }

  /** Takes over the leader's log, as a follower does before it serves. */
  syncWith(leader: Server): void {
    const upTo = leader.lastApplied;
    this.log = leader.log.slice();
    this.#applied = 0;
    this.nodes.clear();
    this.sessions.clear();
    this.#touched = new Set();
    for (const entry of this.log) {
      if (entry.zxid > upTo) break;
      this.#applied += 1;
      this.#change(entry);
    }
  }

  /** Leaves its leader, or its followers: it hangs up on its clients and looks for a leader. */
  look(why: string): void {
    const reign = this.leadership;
    if (reign === undefined) return;
    this.#ensemble.timeline.say?.(`server ${this.id} looks for a leader: ${why}`);
    this.leadership = undefined;
    for (const connection of [...this.connections]) connection.closeByServer();
    this.#ensemble.hangUp(this, reign);
    this.#ensemble.considerElection();
  }

  #apply(entry: Entry): LockNode | undefined {
    const { node, removed } = this.#change(entry);
    if (removed.length > 0) {
      for (const connection of this.connections) connection.tellRemoved(removed);
    }
    if (entry.operation.kind === 'close') {
      for (const connection of [...this.connections]) {
        if (connection.session === entry.operation.session && entry.origin?.server !== this) {
          connection.closeByServer();
        }
      }
    }
    return node;
  }

  #change({ operation, zxid }: Entry): { node: LockNode | undefined; removed: readonly string[] } {
    const { kind, session, path } = operation;
    const node = this.nodes.get(path);
    switch (kind) {
      case 'open':
        this.sessions.add(session);
        return { node, removed: [] };
      case 'close': {
        this.sessions.delete(session);
        const removed = [...this.nodes.values()].filter((one) => one.session === session);
        for (const one of removed) this.nodes.delete(one.path);
        return { node, removed: removed.map((one) => one.path) };
      }
      case 'create': {
        // A create that is sent again finds the node of the first, as a contender finds its own by its id.
        const made = node ?? { path, session, czxid: zxid };
        if (this.sessions.has(session)) this.nodes.set(path, made);
        return { node: made, removed: [] };
      }
      case 'remove':
        return { node, removed: this.nodes.delete(path) ? [path] : [] };
      case 'write':
      case 'error':
        return { node, removed: [] };
    }
  }
}

function codeOf({ kind }: Operation, node: LockNode | undefined): Code {
  if (kind === 'error') return CODE.expired;
  return node === undefined && (kind === 'write' || kind === 'remove') ? CODE.noNode : CODE.ok;
}
