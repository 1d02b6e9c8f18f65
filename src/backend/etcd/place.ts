import type { ITxnResponse } from 'etcd3';
import { SessionLostError } from '../../util/errors.js';
import { randomId } from '../../util/random-id.js';
import type { Claim } from '../contract.js';
import type { Renewal } from '../ttl-lease.js';
import { failureOf } from './failure.js';
import { contenderKey, endOf, ID_LENGTH } from './keys.js';
import { LeasedKey } from './leased-key.js';
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

/** A claim's place in line: a key that is kept, whose create revision is the place. */
export class Place {
  readonly id = randomId().slice(0, ID_LENGTH);
  readonly directory: string;
  readonly key: string;
  readonly #session: Session;
  readonly #claim: Claim;
  readonly #kept: LeasedKey;

  constructor(session: Session, directory: string, claim: Claim) {
    this.#session = session;
    this.directory = directory;
    this.key = contenderKey(directory, this.id);
    this.#kept = new LeasedKey(session, this.key);
    this.#claim = claim;
  }

  /** Time to live that was really given, ms. */
  get ttlMs(): number {
    return this.#kept.ttlMs;
  }

  /** Monotonic send time, ms, of the last request that was answered and kept us. */
  get renewedAt(): number {
    return this.#kept.renewedAt;
  }

  /** The create revision of our key, which no other key has. */
  get revision(): bigint {
    const { revision } = this.#kept;
    if (revision === undefined) throw new Error('expected to have joined the line before');
    return BigInt(revision);
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
    const lease = await this.#kept.begin(signal);
    const key = Buffer.from(this.key);
    const put = { key, lease, value: encodeValue(this.#claim, new Date()) };
    const read = { request_range: rangeOf(this.line) };
    // When the answer to this was lost and it is sent again, the key is there, and stays as old as it is.
    const join = {
      compare: [{ key, target: 'Create' as const, create_revision: 0 }],
      success: [{ request_put: put }, read],
      failure: [read],
    };
    const answer = await this.#persist((client, options) => client.kv.txn(join, options), signal);
    const all = readLast(answer);
    this.#kept.made(all.keys.get(this.key)?.create_revision);
    return all;
  }

  /** As {@link LeasedKey.renew}. */
  renew(): Promise<Renewal> {
    return this.#kept.renew();
  }

  /** Whether a key that was read is still ours. */
  isOurs(found: { readonly create_revision: string } | undefined): boolean {
    return found !== undefined && found.create_revision === this.#kept.revision;
  }

  /**
   * Writes that we hold, and what else belongs to that, in one step with a look whether our key is still there.
   * @param beside puts that are made with it
   * @throws PlaceDeletedError, SessionLostError
   */
  async confirm(beside: readonly { key: Buffer; value: Buffer; lease: string }[], signal: AbortSignal) {
    const key = Buffer.from(this.key);
    // On the lease that it is on: it may be moving to another one just now.
    const put = { key, ignore_lease: true, value: encodeValue(this.#claim, new Date()) };
    const confirm = {
      compare: [{ key, target: 'Create' as const, create_revision: this.revision.toString() }],
      success: [put, ...beside].map((one) => ({ request_put: one })),
      failure: [],
    };
    const { succeeded } = await this.#persist((client, options) => client.kv.txn(confirm, options), signal);
    if (!succeeded) throw new PlaceDeletedError(this.key);
  }

  /** Gives up the place, or the permit: as {@link LeasedKey.leave}. */
  leave(): Promise<void> {
    return this.#kept.leave();
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

function readLast({ responses, header }: ITxnResponse): Look {
  return lookAt(responses.at(-1)?.response_range.kvs ?? [], header.revision);
}
