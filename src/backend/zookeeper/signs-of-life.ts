import { SIGNS_PER_TTL } from '../lease-budget.js';

/**
 * How late, for all that we can prove, the leader last heard of our session: that is when its timeout began to run, and
 * not when it last did a write for us. A leader hears of a session at a follower in two ways only: when the session comes
 * to that follower (REVALIDATE), and by the follower's answer to the leader's ping, every half tick. A write that a
 * follower passes on is no sign of life to it (`LeaderZooKeeperServer.submitLearnerRequest` goes past
 * `SessionTracker.touchSession`, ZooKeeper 3.5 to 3.9).
 *
 * So after a pause of ours an acknowledged write proves little yet: the leader may expire us right after it. What was
 * answered at least a half tick before it was sent has been told to the leader.
 */
export class SignsOfLife {
  readonly #answered: { readonly sentAt: number; readonly answeredAt: number }[] = [];
  #metLeaderAt = Number.NEGATIVE_INFINITY;

  /** A server made or took over the session, asked at `sentAt`, monotonic ms: that was the leader's word. */
  metLeader(sentAt: number): void {
    this.#metLeaderAt = sentAt;
  }

  /** The server answered at `answeredAt` what was sent at `sentAt`, monotonic ms. */
  answered(sentAt: number, answeredAt: number): void {
    this.#answered.push({ sentAt, answeredAt });
    if (this.#answered.length > MOST) this.#answered.shift();
  }

  /**
   * From when the lease counts by an acknowledged write that was sent at `sentAt`. With a renewal every T/12 that is
   * `sentAt`; after a pause it is earlier.
   */
  countsFrom(sentAt: number, ttlMs: number): number {
    let known = this.#metLeaderAt;
    for (const one of this.#answered) {
      if (one.answeredAt <= sentAt - ttlMs / 4 - ttlMs / 60) known = Math.max(known, one.sentAt);
    }
    // The lease's own time line takes this much off again: half a tick, T/4 at most, and a renewal.
    return Math.min(sentAt, known + ttlMs / 4 + ttlMs / SIGNS_PER_TTL);
  }
}

/** Renewals of more than half a timeout, and what a waiter asks besides. */
const MOST = 32;
