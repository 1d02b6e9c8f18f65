import type { ITxnResponse } from 'etcd3';
import { abortAt } from '../../util/abort.js';
import { type LossCause, SessionLostError } from '../../util/errors.js';
import type { Claim } from '../contract.js';
import type { Renewal } from '../ttl-lease.js';
import { type GrantedLease, grantLease, newLeaseId, revokeLease } from './etcd-lease.js';
import { failureOf } from './failure.js';
import { keepAliveOnce } from './keep-alive.js';
import { contenderKey, endOf, hexOf } from './keys.js';
import { type KeyRange, type Look, lookAt, rangeOf } from './look.js';
import type { Session, Work } from './session.js';
import { encodeValue } from './value.js';

/** Our key went while we waited: another place can be taken, at the end. */
export class PlaceDeletedError extends Error {
  override readonly name = 'PlaceDeletedError';
  constructor(key: string) {
    super(`our key ${key} was deleted, or its etcd lease has ended`);
  }
}

/** Of the time to live, a renewal may take this part. */
const RENEWAL = 1 / 6;

/** A claim's place in line: a lease of its own and, on it, a key whose create revision is the place. */
export class Place {
  readonly lease = newLeaseId();
  readonly id = hexOf(this.lease);
  readonly directory: string;
  readonly key: string;
  readonly #session: Session;
  readonly #claim: Claim;
  #granted: GrantedLease | undefined;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #revision: string | undefined;

  constructor(session: Session, directory: string, claim: Claim) {
    this.#session = session;
    this.directory = directory;
    this.key = contenderKey(directory, this.lease);
    this.#claim = claim;
  }

  /** Time to live that was really given, ms. */
  get ttlMs(): number {
    return this.#granted?.ttlMs ?? this.#session.ttlMs;
  }

  /** Monotonic send time, ms, of the last request that was answered and kept us. */
  get renewedAt(): number {
    return this.#renewedAt;
  }

  /** The create revision of our key, which no other key has. */
  get revision(): bigint {
    if (this.#revision === undefined) throw new Error('expected to have joined the line before');
    return BigInt(this.#revision);
  }

  get line(): KeyRange {
    return { key: this.directory, end: endOf(this.directory) };
  }

  /**
   * Takes the last place in line.
   * @returns all who contend, as of the moment after
   * @throws SessionLostError when the lease had run out before the key was made
   */
  async join(signal: AbortSignal): Promise<Look> {
    this.#granted = await grantLease(this.#session, this.lease, this.#session.ttlMs, signal);
    this.#renewedAt = this.#granted.sentAt;
    const key = Buffer.from(this.key);
    const put = { key, lease: this.lease.toString(), value: encodeValue(this.#claim, new Date()) };
    const read = { request_range: rangeOf(this.line) };
    // When the answer to this was lost and it is sent again, the key is there, and stays as old as it is.
    const join = {
      compare: [{ key, target: 'Create' as const, create_revision: 0 }],
      success: [{ request_put: put }, read],
      failure: [read],
    };
    const answer = await this.#persist((client, options) => client.kv.txn(join, options), signal);
    const all = readLast(answer);
    this.#revision = all.keys.get(this.key)?.create_revision;
    return all;
  }

  /**
   * Tries once to be kept for another time to live, and makes sure that the answer counts.
   *
   * A renewal does not go through the log: the leader alone answers it, and one that is cut off from the others goes on
   * doing so for up to two election timeouts (etcd 3.4: `lessor.Renew`, `raft.checkQuorum`), while a new leader, which
   * gives every lease its whole time from when it took over (`lessor.Promote`), may count from before. So a read by way of
   * a quorum follows, and both must have been answered in the same raft term: the leader of that term was the leader when
   * the renewal came, every later one took over after it, and none lets the lease end before sent + TTL.
   */
  renew(): Promise<Renewal> {
    const { clock } = this.#session;
    return this.#session.attempt(async (client, options): Promise<Renewal> => {
      const sentAt = clock.now();
      const kept = await keepAliveOnce(client, this.lease, options);
      if (Number(kept.TTL) <= 0) return lost('expired', `etcd lease ${this.id} has ended`);
      const { kvs, header } = await client.kv.range({ key: Buffer.from(this.key) }, options);
      if (header.raft_term !== kept.header.raft_term) throw new Error('another leader came in between');
      if (kvs[0]?.create_revision !== this.#revision) return lost('deleted', `${this.key} was deleted`);
      this.#renewedAt = Math.max(this.#renewedAt, sentAt);
      return { how: 'renewed' };
    }, this.ttlMs * RENEWAL);
  }

  /** Whether a key that was read is still ours. */
  isOurs(found: { readonly create_revision: string } | undefined): boolean {
    return found !== undefined && found.create_revision === this.#revision;
  }

  /**
   * Writes that we hold, and what else belongs to that, in one step with a look whether our key is still there.
   * @param beside puts that are made with it
   * @throws PlaceDeletedError, SessionLostError
   */
  async confirm(beside: readonly { key: Buffer; value: Buffer; lease: string }[], signal: AbortSignal) {
    const key = Buffer.from(this.key);
    const put = { key, lease: this.lease.toString(), value: encodeValue(this.#claim, new Date()) };
    const confirm = {
      compare: [{ key, target: 'Create' as const, create_revision: this.revision.toString() }],
      success: [put, ...beside].map((one) => ({ request_put: one })),
      failure: [],
    };
    const { succeeded } = await this.#persist((client, options) => client.kv.txn(confirm, options), signal);
    if (!succeeded) throw new PlaceDeletedError(this.key);
  }

  /** Gives up the place, or the permit: the key ends with its lease. Tried for a time to live: then it has ended by itself. */
  async leave(): Promise<void> {
    const { clock } = this.#session;
    const end = abortAt(clock.now() + this.ttlMs, clock, () => new Error('the lease has run out'));
    try {
      await revokeLease(this.#session, this.lease, end.signal);
    } finally {
      end.cancel();
    }
  }

  async #persist<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
    try {
      return await this.#session.persist(work, signal);
    } catch (error) {
      if (failureOf(error) !== 'lease-gone') throw error;
      throw placeExpired(this.id, error);
    }
  }
}

/** What a place that ended while we waited at it is. */
export function placeExpired(id: string, cause?: unknown): SessionLostError {
  return new SessionLostError(`etcd lease ${id} ended before the lock was ours`, { cause });
}

function lost(cause: LossCause, message: string): Renewal {
  return { how: 'lost', cause, message };
}

function readLast({ responses, header }: ITxnResponse): Look {
  return lookAt(responses.at(-1)?.response_range.kvs ?? [], header.revision);
}
