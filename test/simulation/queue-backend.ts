import type { Claim, Contender, Lease, LockBackend, Traits } from '../../src/backend/contract.js';
import { attend } from '../../src/backend/zookeeper/attend.js';
import { ZooKeeperLease } from '../../src/backend/zookeeper/lease.js';
import { confirm } from '../../src/backend/zookeeper/lock-recipe.js';
import { leaseBudget } from '../../src/backend/zookeeper/timing.js';
import { SessionLostError } from '../../src/util/errors.js';
import type { ClientSession } from './client-session.js';
import type { Process } from './process.js';
import type { Rules } from './rules.js';

/** What a contender has got: its lease, and the node that is its permit. */
export interface Holding {
  readonly lease: Lease;
  readonly path: string;
  readonly session: number;
}

/** What a contender wants to know. */
export interface Listener {
  /** It is its turn, and about to be confirmed. */
  readonly onTurn: () => void;
  readonly onHolding: (holding: Holding) => void;
}

/** A queue of ephemeral nodes, the first of which are permits. The queue is a model; the lease is the product's. */
export class QueueBackend implements LockBackend {
  readonly traits: Traits = {
    queue: 'fair',
    fencing: true,
    shared: false,
    maxPermits: 100,
    waiters: true,
    handoverDelay: false,
    hold: false,
  };
  readonly farewells = [];
  readonly #session: ClientSession;
  readonly #process: Process;
  readonly #rules: Rules;
  readonly #listener: Listener;

  constructor(session: ClientSession, process: Process, rules: Rules, listener: Listener) {
    this.#session = session;
    this.#process = process;
    this.#rules = rules;
    this.#listener = listener;
  }

  async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
    const { clock } = this.#process;
    const session = this.#session;
    const path = `/${claim.resource}/${this.#process.name}-${session.number}`;
    await session.persist(() => session.nodes.create(path), signal);
    await attend(session, clock, signal, async (wake) => {
      const place = (await session.queue(wake)).findIndex((node) => node.path === path);
      if (place < 0) throw new SessionLostError('our place in line is gone');
      return place < claim.permits ? true : undefined;
    });
    this.#listener.onTurn();
    const grant = await confirm({ session, clock }, path, Buffer.alloc(0), signal);
    const lease = new ZooKeeperLease({
      ...grant,
      session: this.#rules.leaseSession(session),
      budget: this.#rules.budget(leaseBudget(session.ttlMs, claim.lossGraceMs)),
      lossGraceMs: claim.lossGraceMs,
      clock: this.#rules.leaseClock(this.#process),
      evidence: path,
      beforeRelease: async () => {},
      afterRelease: async () => {},
    });
    this.#listener.onHolding({ lease, path, session: session.number });
    return lease;
  }

  tryAcquire(): Promise<Lease | undefined> {
    return Promise.reject(new Error('the simulation always waits'));
  }

  contenders(): Promise<readonly Contender[]> {
    return Promise.reject(new Error('the simulation asks nobody'));
  }

  owns(): Promise<boolean> {
    return Promise.reject(new Error('the simulation asks nobody'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.close();
  }
}
