import { abortAt } from '../../util/abort.js';
import { SessionLostError } from '../../util/errors.js';
import type { Claim } from '../contract.js';
import { grantLease, newLeaseId, revokeLease } from './etcd-lease.js';
import { keepAliveOnce } from './keep-alive.js';
import { holdKey } from './keys.js';
import type { Place } from './place.js';
import type { Session } from './session.js';
import { encodeValue } from './value.js';

/**
 * A minimum hold is a key with an etcd lease of its own that nobody renews. That lease begins before the permit is
 * confirmed: it is this much longer, ms, than the hold that was asked for.
 */
const SLACK_MS = 1000;

/** The minimum hold of a claim. */
export class Hold {
  readonly #session: Session;
  readonly #place: Place;
  readonly #claim: Claim;
  readonly #holdMs: number;
  readonly #lease = newLeaseId();
  #grantedAt = Number.POSITIVE_INFINITY;
  #ttlMs = 0;

  private constructor(session: Session, place: Place, claim: Claim, holdMs: number) {
    this.#session = session;
    this.#place = place;
    this.#claim = claim;
    this.#holdMs = holdMs;
  }

  /** `undefined` when the claim asks for none. */
  static of(session: Session, place: Place, claim: Claim): Hold | undefined {
    const { holdMs = 0 } = claim;
    return holdMs > 0 ? new Hold(session, place, claim, holdMs) : undefined;
  }

  /** What is to be put in the step that confirms the permit. */
  async prepare(signal: AbortSignal): Promise<{ key: Buffer; value: Buffer; lease: string }> {
    const ttlMs = Math.ceil((this.#holdMs + SLACK_MS) / 1000) * 1000;
    const granted = await grantLease(this.#session, this.#lease, ttlMs, signal);
    this.#grantedAt = granted.sentAt;
    this.#ttlMs = granted.ttlMs;
    const since = new Date();
    return {
      key: Buffer.from(holdKey(this.#place.directory, this.#place.id)),
      value: encodeValue(this.#claim, since, new Date(since.getTime() + this.#holdMs)),
      lease: this.#lease.toString(),
    };
  }

  /** The permit is confirmed: sees to it that the hold lasts from now on, also when that took long. */
  async begin(signal: AbortSignal): Promise<void> {
    const { clock } = this.#session;
    while (clock.now() - this.#grantedAt > this.#ttlMs - this.#holdMs) {
      this.#grantedAt = await this.#session.persist(async (client, options) => {
        const sentAt = clock.now();
        const { TTL } = await keepAliveOnce(client, this.#lease, options);
        if (Number(TTL) > 0) return sentAt;
        throw new SessionLostError('the minimum hold had run out before the lock was ours');
      }, signal);
    }
  }

  /** Nobody got the permit: nobody is to wait for it. Once, and not for long: it ends by itself. */
  async drop(): Promise<void> {
    const { clock, ttlMs } = this.#session;
    const end = abortAt(clock.now() + ttlMs, clock, () => new Error('the lock service does not answer'));
    await revokeLease(this.#session, this.#lease, end.signal).catch(() => {});
    end.cancel();
  }
}
