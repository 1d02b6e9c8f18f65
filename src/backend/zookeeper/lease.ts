import type { Stat } from 'node-zookeeper-client';
import { whenAborted } from '../../util/abort.js';
import type { Clock, Timer } from '../../util/clock.js';
import { LeaseLostError, type LossCause, messageOf } from '../../util/errors.js';
import { type LeaseBudget, LeaseDeadline } from '../../util/lease-deadline.js';
import type { Lease } from '../contract.js';
import type { Nodes } from './nodes.js';
import { failedWith, isUnsettled } from './operation-error.js';
import type { Session, SessionEnd } from './session.js';
import { leaseBudget } from './timing.js';

/** What a session's end means for a lease that it carried. */
const LOSS_BY_END: Readonly<Record<SessionEnd, LossCause>> = {
  expired: 'expired',
  closed: 'expired',
  refused: 'refused',
  silence: 'silence',
};

/** What a lease needs of its session. */
export type LeaseSession = Pick<
  Session,
  | 'id'
  | 'ttlMs'
  | 'servers'
  | 'signs'
  | 'over'
  | 'end'
  | 'isConnected'
  | 'guard'
  | 'onReconnected'
  | 'persist'
  | 'switchServer'
  | 'close'
> & { readonly nodes: Pick<Nodes, 'touch' | 'remove' | 'getData'> };

export interface LeaseOptions {
  readonly session: LeaseSession;
  /** The node that is the permit. */
  readonly path: string;
  /** What the confirming write returned, and when it was sent (monotonic ms). */
  readonly stat: Stat;
  readonly sentAt: number;
  readonly budget: LeaseBudget;
  readonly evidence: string;
  /** The claim's wish, for when the servers give another timeout later. */
  readonly lossGraceMs: number | undefined;
  readonly clock: Clock;
  /** Gives back, once the tree is dead, what must be gone before the node is. Does not reject. */
  readonly beforeRelease: () => Promise<void>;
  /** Tidies up once the permit is given back. */
  readonly afterRelease: () => Promise<void>;
}

/**
 * A permit: a node of ours, kept by acknowledged writes. A ping proves nothing: a follower that is cut off from
 * its leader goes on answering pings long after the leader has expired the session and deleted the node; it
 * acknowledges no write.
 */
export class ZooKeeperLease implements Lease {
  readonly fencingToken: bigint;
  readonly evidence: string;
  readonly #options: LeaseOptions;
  readonly #deadline: LeaseDeadline;
  #budget: LeaseBudget;
  readonly #forget: readonly (() => void)[];
  readonly #renewed = new Set<() => void>();
  #next: Timer | undefined;
  #sentAt: number | undefined;
  #released: Promise<void> | undefined;

  constructor(options: LeaseOptions) {
    const { session, clock, stat, budget, sentAt } = options;
    this.#options = options;
    this.evidence = options.evidence;
    this.#budget = budget;
    // The transaction that made the node: 64 bits, rising over the whole ensemble, whatever becomes of the parent.
    this.fencingToken = stat.czxid.readBigInt64BE();
    this.#deadline = new LeaseDeadline(budget, clock, sentAt);
    this.#forget = [
      session.guard(() => this.#deadline.isLost()),
      session.onReconnected(() => this.#onReconnected()),
      whenAborted(session.over, () => this.#sessionOver()),
    ];
    this.#watch();
    this.#schedule();
  }

  get budget(): LeaseBudget {
    return this.#budget;
  }

  get lost(): AbortSignal {
    return this.#deadline.lost;
  }

  onRenewed(listener: () => void): () => void {
    this.#renewed.add(listener);
    return () => this.#renewed.delete(listener);
  }

  readonly deadline = (): number => this.#deadline.at();

  isLost(): boolean {
    return this.#deadline.isLost();
  }

  release(): Promise<void> {
    this.#released ??= this.#giveBack();
    return this.#released;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  async #giveBack(): Promise<void> {
    const { session, path, beforeRelease, afterRelease } = this.#options;
    this.#deadline.end();
    this.#next?.cancel();
    for (const forget of this.#forget) forget();
    await beforeRelease();
    try {
      await session.persist(() => session.nodes.remove(path), new AbortController().signal);
    } catch (error) {
      // Either the node is gone already, or it goes with the session.
      if (!failedWith(error, 'NO_NODE') && !session.over.aborted) await session.close();
    }
    await afterRelease();
  }

  #schedule(): void {
    this.#next?.cancel();
    if (this.#released !== undefined || this.lost.aborted) return;
    this.#next = this.#options.clock.setTimer(this.budget.renewEveryMs, () => this.#renew());
  }

  /** A server may give a session another timeout than the one before it did: the time line is made anew. */
  #onReconnected(): void {
    const { session, lossGraceMs } = this.#options;
    if (session.ttlMs !== this.#budget.ttlMs) {
      try {
        this.#budget = leaseBudget(session.ttlMs, lossGraceMs);
        this.#deadline.changeBudget(this.#budget);
      } catch (error) {
        this.#lose('silence', `the session timeout has changed: ${messageOf(error)}`);
      }
    }
    this.#renew();
  }

  /** Sends a renewal unless one is on its way; a server that sits on one for T/6 is left, if there is another. */
  #renew(): void {
    this.#schedule();
    if (this.#released !== undefined || this.#deadline.isLost()) return;
    const { session, clock, path } = this.#options;
    const now = clock.now();
    if (this.#sentAt !== undefined) {
      if (now - this.#sentAt > this.budget.ttlMs / 6 && session.servers > 1) {
        session.switchServer(`no renewal acknowledged for ${Math.round(now - this.#sentAt)} ms`);
      }
      return;
    }
    if (!session.isConnected) return;
    this.#sentAt = now;
    session.nodes
      .touch(path)
      .then((stat) => this.#acknowledged(stat, now))
      .catch((error) => this.#refused(error))
      .finally(() => {
        this.#sentAt = undefined;
      });
  }

  #acknowledged(stat: Stat, sentAt: number): void {
    const { session } = this.#options;
    if (stat.ephemeralOwner.readBigUInt64BE() !== session.id) {
      this.#lose('deleted', `another session owns the lock node ${this.#options.path}`);
      return;
    }
    this.#deadline.renewed(session.signs.countsFrom(sentAt, session.ttlMs));
    if (!this.lost.aborted) for (const listener of this.#renewed) listener();
  }

  #refused(error: unknown): void {
    if (isUnsettled(error) || this.#released !== undefined) return;
    if (failedWith(error, 'NO_NODE'))
      this.#lose('deleted', `somebody deleted the lock node ${this.#options.path}`);
    else if (failedWith(error, 'NO_AUTH', 'INVALID_ACL')) {
      this.#lose('refused', `ZooKeeper no longer lets us write to the lock node ${this.#options.path}`);
    }
  }

  /** Deletion of our node is noticed at once, not at the next renewal. */
  #watch(): void {
    const { session, path } = this.#options;
    if (this.#released !== undefined || this.lost.aborted) return;
    const changed = () => {
      this.#renew();
      this.#watch();
    };
    session.nodes.getData(path, changed).catch((error) => this.#refused(error));
  }

  #sessionOver(): void {
    const { session } = this.#options;
    if (this.#released !== undefined) return;
    this.#lose(LOSS_BY_END[session.end ?? 'closed'], messageOf(session.over.reason));
  }

  /** An ended session or a deleted node may be another's lock already; refused or silent servers keep ours till T. */
  #lose(cause: LossCause, message: string): void {
    const leftMs = this.deadline() - this.#options.clock.now();
    this.#deadline.lose(
      new LeaseLostError(cause, message, cause === 'refused' || cause === 'silence' ? leftMs : 0),
    );
    this.#next?.cancel();
  }
}
