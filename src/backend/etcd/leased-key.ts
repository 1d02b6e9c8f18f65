import type { IKeyValue } from 'etcd3';
import { abortAt } from '../../util/abort.js';
import type { LossCause } from '../../util/errors.js';
import type { Renewal } from '../ttl-lease.js';
import type { EtcdClient } from './client.js';
import { newLeaseId, revokeLease } from './etcd-lease.js';
import { keepAliveOnce } from './keep-alive.js';
import { hexOf } from './keys.js';
import type { CallOptions, Session } from './session.js';

/** Of the time to live, a renewal may take this part. */
const RENEWAL = 1 / 6;

/** A lease, and the raft term in which it was granted: no leader of an earlier one knows of it. */
interface DatedLease {
  readonly id: bigint;
  readonly term: string;
}

/**
 * A key that is ours for as long as it is kept: it is on an etcd lease, and moves to a new one when the cluster has got
 * another leader.
 *
 * A leader that stood still (SIGSTOP, a slow disk, a suspended host) and wakes after another was elected believes for a
 * moment that it leads. It knows of no renewal since, finds the leases run out, and has them ended, with their keys
 * (https://github.com/etcd-io/etcd/issues/15247; etcd before 3.4.31 and 3.5.13). But it can only name
 * leases of its own time. So a renewal counts in the term alone in which the lease was granted; in another one the key is
 * put on a new lease first. Where that does not succeed in time, nothing is lost: a leader finds a lease run out a time to
 * live after the last renewal that it heard, and by then all is dead that had not moved.
 */
export class LeasedKey {
  readonly key: string;
  readonly #session: Session;
  /** All that may be there: one is the key's, others are of requests whose answer was lost, or are being ended. */
  readonly #leases = new Set<bigint>();
  #lease: DatedLease | undefined;
  #ttlMs: number;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #revision: string | undefined;
  #left = false;
  /** The grants that are under way. */
  readonly #asking = new Set<Promise<unknown>>();

  constructor(session: Session, key: string) {
    this.key = key;
    this.#session = session;
    this.#ttlMs = session.ttlMs;
  }

  /** Time to live that was really given, ms. */
  get ttlMs(): number {
    return this.#ttlMs;
  }

  /** Monotonic send time, ms, of the last request that was answered and kept us. */
  get renewedAt(): number {
    return this.#renewedAt;
  }

  /** The create revision of our key, which no other key has. */
  get revision(): string | undefined {
    return this.#revision;
  }

  /** Has a lease granted for the key. @returns its id */
  begin(signal: AbortSignal): Promise<string> {
    return this.#session.persist(async (client, options) => {
      const sentAt = this.#session.clock.now();
      this.#lease = await this.#grant(client, this.#session.termOf(client), options);
      this.#renewedAt = sentAt;
      return this.#lease.id.toString();
    }, signal);
  }

  /** The key was made on that lease, at this revision. */
  made(revision: string | undefined): void {
    this.#revision = revision;
  }

  /**
   * Tries once to be kept for another time to live, and makes sure that the answer counts.
   *
   * A renewal does not go through the log: the leader alone answers it, and one that is cut off from the others goes on
   * doing so for up to two election timeouts (etcd 3.4: `lessor.Renew`, `raft.checkQuorum`), while a new leader, which
   * gives every lease its whole time from when it took over (`lessor.Promote`), may count from before. So a read by way of
   * a quorum follows, and both must have been answered in the raft term of the lease: the leader of that term was the leader
   * when the renewal came, every later one took over after it, and none lets the lease end before sent + TTL.
   */
  renew(): Promise<Renewal> {
    const { clock } = this.#session;
    return this.#session.attempt(async (client, options): Promise<Renewal> => {
      const sentAt = clock.now();
      const lease = this.#granted();
      const kept = await keepAliveOnce(client, lease.id, options);
      const { kvs, header } = await client.kv.range({ key: Buffer.from(this.key) }, options);
      this.#session.heard(client, header);
      const [found] = kvs;
      if (found === undefined || found.create_revision !== this.#revision) {
        return Number(kept.TTL) > 0 ? lost('deleted', `${this.key} was deleted`) : ended(lease);
      }
      // Where it is on another lease, the answer to a move was lost.
      if (header.raft_term === lease.term && found.lease === lease.id.toString()) {
        if (Number(kept.TTL) <= 0) return ended(lease);
        if (kept.header.raft_term !== lease.term) throw new Error('another leader came in between');
      } else {
        await this.#move(client, header.raft_term, found, options);
      }
      this.#renewedAt = Math.max(this.#renewedAt, sentAt);
      return { how: 'renewed' };
    }, this.#ttlMs * RENEWAL);
  }

  /** Ends the key, with all leases. Tried for a time to live: then they have ended by themselves. */
  async leave(): Promise<void> {
    this.#left = true;
    const { clock } = this.#session;
    const end = abortAt(clock.now() + this.#ttlMs, clock, () => new Error('the lease has run out'));
    // What is granted after it was ended would be left.
    await Promise.allSettled(this.#asking);
    try {
      await Promise.all([...this.#leases].map((id) => revokeLease(this.#session, id, end.signal)));
    } finally {
      end.cancel();
    }
  }

  /**
   * Puts the key on a lease of the term that the server is in, and ends those before it.
   * @param found the key as it was read in that term
   */
  async #move(
    client: EtcdClient,
    term: string,
    found: Pick<IKeyValue, 'mod_revision'>,
    options: CallOptions,
  ): Promise<void> {
    const before = [...this.#leases];
    const lease = await this.#grant(client, term, options);
    const key = Buffer.from(this.key);
    // From that very state: a move that was given up may be done late, and must not take the key to a lease that we end.
    const move = {
      compare: [{ key, target: 'Mod' as const, mod_revision: found.mod_revision }],
      success: [{ request_put: { key, lease: lease.id.toString(), ignore_value: true } }],
      failure: [],
    };
    const { succeeded } = await client.kv.txn(move, options);
    if (!succeeded) throw new Error('the key was written to, or deleted, meanwhile');
    this.#session.log.debug({ term }, 'etcd has another leader: the lock has moved to a lease of its time');
    this.#lease = lease;
    for (const id of before) void this.#end(client, id, options);
  }

  /** @param before the term that the server was in, if that is known */
  async #grant(client: EtcdClient, before: string | undefined, options: CallOptions): Promise<DatedLease> {
    this.#unlessLeft();
    const id = newLeaseId();
    this.#leases.add(id);
    // Never less than was given before: the time line of the permit was made of that.
    const request = { ID: id.toString(), TTL: this.#ttlMs / 1000 };
    const asking = client.leaseClient.leaseGrant(request, options);
    this.#asking.add(asking);
    const { TTL, header } = await asking.finally(() => this.#asking.delete(asking));
    this.#ttlMs = Number(TTL) * 1000;
    this.#session.heard(client, header);
    this.#unlessLeft();
    // The server was in this term before and after: so was the leader that granted it.
    const term = header.raft_term;
    return term === before ? { id, term } : this.#grant(client, term, options);
  }

  #granted(): DatedLease {
    if (this.#lease === undefined) throw new Error('expected to have a lease, got none');
    return this.#lease;
  }

  #unlessLeft(): void {
    if (this.#left) throw new Error('the key was given back meanwhile');
  }

  /** A lease without a key: where this does not succeed, it ends by itself. */
  async #end(client: EtcdClient, id: bigint, options: CallOptions): Promise<void> {
    await client.leaseClient.leaseRevoke({ ID: id.toString() }, options).catch(() => {});
    this.#leases.delete(id);
  }
}

function ended({ id }: DatedLease): Renewal {
  return lost('expired', `etcd lease ${hexOf(id)} has ended`);
}

function lost(cause: LossCause, message: string): Renewal {
  return { how: 'lost', cause, message };
}
