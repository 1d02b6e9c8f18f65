import type { Ensemble } from './ensemble.js';
import type { Entry, Operation, Reply, Server } from './server.js';
import { SessionTracker } from './session-tracker.js';

/**
 * One leader's reign.
 *
 * - It pings its followers every half tick; each answers with the sessions that showed life since (Leader.lead,
 *   LearnerHandler's `case Leader.PING`). This is all that a leader hears of a session at a follower: a write that a
 *   follower passes on is no sign of life (`submitLearnerRequest`), one of a client of its own is.
 * - Every second time it looks whether a quorum answered within syncLimit ticks, and gives up when none did. Until then
 *   it goes on expiring sessions, but commits nothing without a quorum, so that none of it counts.
 * - It starts with all sessions anew, each with its whole timeout.
 */
export class Leadership {
  readonly leader: Server;
  readonly tracker: SessionTracker;
  readonly #ensemble: Ensemble;
  readonly #followers = new Map<Server, { heardAt: number }>();
  readonly #outstanding: Entry[] = [];
  #zxid: number;
  #looksAtQuorum = false;

  constructor(ensemble: Ensemble, leader: Server, followers: readonly Server[], epoch: number) {
    const { timeline, random, tickMs } = ensemble;
    this.#ensemble = ensemble;
    this.leader = leader;
    this.#zxid = epoch * 1_000_000;
    leader.leadership = this;
    this.tracker = new SessionTracker(tickMs, random.between(0, tickMs));
    // What the leader has in its log is in the log of a quorum now.
    for (const entry of leader.log) this.#commit(entry);
    for (const follower of followers) this.#take(follower);
    for (const session of leader.sessions) this.tracker.track(session, ensemble.ttlMs, timeline.now);
    this.#expire();
    timeline.in(random.between(0, tickMs / 2), () => this.#halfTick());
  }

  get isActive(): boolean {
    return this.leader.isUp && this.leader.leadership === this;
  }

  /** A server that looked for a leader found this one. */
  adopt(follower: Server): void {
    this.#take(follower);
    for (const entry of [...this.#outstanding]) this.#acknowledged(entry, follower);
  }

  drop(follower: Server): void {
    this.#followers.delete(follower);
  }

  /** What a server's client asks for. Only here is known whether its session lives. */
  request(operation: Operation, server: Server, reply: Reply): void {
    const { tracker } = this;
    if (operation.kind === 'open') {
      tracker.track(operation.session, this.#ensemble.ttlMs, this.#ensemble.timeline.now);
    } else if (!tracker.isAlive(operation.session)) {
      // An error is a proposal as well, and comes after the one that closes the session.
      this.#propose({ ...operation, kind: 'error' }, { server, reply });
      return;
    }
    if (operation.kind === 'close') tracker.setClosing(operation.session);
    this.#propose(operation, { server, reply });
  }

  /** A client came over from another server: that counts as a sign of life (LearnerMaster.revalidateSession). */
  revalidate(session: number, server: Server, valid: (isValid: boolean) => void): void {
    const isValid = this.tracker.touch(session, this.#ensemble.timeline.now);
    this.answer(server, () => valid(isValid));
  }

  /** Has a server that follows do something. */
  answer(server: Server, act: () => void): void {
    if (server === this.leader) act();
    else this.#ensemble.send(this.leader, server, this, act);
  }

  /** Has the leader do something. */
  ask(server: Server, act: () => void): void {
    if (server === this.leader) act();
    else this.#ensemble.send(server, this.leader, this, act);
  }

  #take(follower: Server): void {
    follower.syncWith(this.leader);
    follower.leadership = this;
    follower.heardAt = this.#ensemble.timeline.now;
    this.#followers.set(follower, { heardAt: this.#ensemble.timeline.now });
    this.#watchLeader(follower);
  }

  #propose(operation: Operation, origin: Entry['origin']): void {
    const entry: Entry = {
      zxid: ++this.#zxid,
      operation,
      origin,
      acks: 1 << this.leader.id,
      committed: false,
    };
    this.leader.log.push(entry);
    this.#outstanding.push(entry);
    for (const follower of this.#followers.keys()) {
      this.answer(follower, () => {
        if (entry.zxid > follower.lastLogged) follower.log.push(entry);
        this.ask(follower, () => this.#acknowledged(entry, follower));
      });
    }
    this.#commitWhatIsSafe();
  }

  #acknowledged(entry: Entry, follower: Server): void {
    if (entry.committed) return;
    entry.acks |= 1 << follower.id;
    this.#commitWhatIsSafe();
  }

  #commitWhatIsSafe(): void {
    for (;;) {
      const entry = this.#outstanding[0];
      if (entry === undefined || !this.#ensemble.isQuorum(bits(entry.acks))) return;
      this.#outstanding.shift();
      this.#commit(entry);
      for (const follower of this.#followers.keys()) {
        this.answer(follower, () => follower.applyUpTo(entry.zxid));
      }
    }
  }

  #commit(entry: Entry): void {
    if (!entry.committed) this.#ensemble.onCommit(entry.operation, entry.zxid);
    entry.committed = true;
    if (entry.operation.kind === 'close') this.tracker.remove(entry.operation.session);
    this.leader.applyUpTo(entry.zxid);
  }

  #expire(): void {
    if (!this.isActive) return;
    const { timeline, random } = this.#ensemble;
    for (const session of this.tracker.due(timeline.now)) {
      timeline.say?.(`leader ${this.leader.id} expires session ${session}`);
      this.tracker.setClosing(session);
      this.#propose({ kind: 'close', session, path: '' }, undefined);
    }
    timeline.at(this.tracker.boundaryAfter(timeline.now) + random.next(), () => this.#expire());
  }

  #halfTick(): void {
    if (!this.isActive) return;
    const { timeline, random, tickMs } = this.#ensemble;
    const limit = this.#ensemble.syncLimit * tickMs;
    const synced = [...this.#followers.values()].filter(({ heardAt }) => timeline.now - heardAt <= limit);
    this.#looksAtQuorum = !this.#looksAtQuorum;
    if (this.#looksAtQuorum && !this.#ensemble.isQuorum(synced.length + 1)) {
      this.leader.look('no quorum answers');
      return;
    }
    for (const [follower, { heardAt }] of this.#followers) {
      if (timeline.now - heardAt > limit) this.#followers.delete(follower);
      else this.answer(follower, () => this.#ping(follower));
    }
    timeline.in(tickMs / 2 + random.next(), () => this.#halfTick());
  }

  #ping(follower: Server): void {
    follower.heardAt = this.#ensemble.timeline.now;
    const touched = follower.takeTouched();
    this.ask(follower, () => {
      const known = this.#followers.get(follower);
      if (known !== undefined) known.heardAt = this.#ensemble.timeline.now;
      for (const session of touched) this.tracker.touch(session, this.#ensemble.timeline.now);
    });
  }

  /** A follower that hears nothing for syncLimit ticks leaves its leader (the read timeout of Learner's socket). */
  #watchLeader(follower: Server): void {
    const { timeline, syncLimit, tickMs } = this.#ensemble;
    const silentAt = follower.heardAt + syncLimit * tickMs;
    timeline.at(silentAt, () => {
      if (follower.leadership !== this || !follower.isUp) return;
      if (follower.heardAt + syncLimit * tickMs > silentAt) this.#watchLeader(follower);
      else follower.look('its leader is silent');
    });
  }
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
