import { abortAt } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import type { LeaseBudget } from '../../util/lease-deadline.js';
import type { Log } from '../../util/log.js';
import type { Claim } from '../contract.js';
import { type Renewal, TtlLease } from '../ttl-lease.js';
import { type Connection, isFinal } from './connection.js';
import type { Link, Swapped } from './link.js';
import { SeenClock } from './seen-clock.js';
import { countsFrom, holdSeconds, leaseSeconds, type Unsettled } from './timing.js';
import { formatValue } from './value.js';

/** One claim, and what it is made with. */
export interface Bid {
  readonly claim: Claim;
  readonly key: string;
  readonly owner: string;
  readonly budget: LeaseBudget;
  readonly evidence: string;
  readonly connection: Connection;
  readonly unsettled: Unsettled;
  readonly clock: Clock;
  readonly log: Log;
  /** Told when the lease is being given back. */
  readonly onEnd: () => void;
}

/** How long, ms, a lock binds that a server may have forgotten. */
export function bindsMs({ claim, budget }: Pick<Bid, 'claim' | 'budget'>): number {
  return Math.max(budget.ttlMs, claim.holdMs ?? 0);
}

/** Whether the server behind this link may have forgotten a lock, and for how long yet, ms. */
export function unsettled(bid: Bid, { facts }: Link): number {
  return bid.unsettled(facts.uptimeSeconds, bid.clock.now() - facts.receivedAt, bindsMs(bid));
}

/** Giving back may take this long, ms; then the key ends by itself. */
const GIVE_BACK_MS = 2000;

/** Only a renewal and who gives back write to a key of ours, each once: what the one changes, the other finds at its next try. */
const TRIES = 3;

/** Our time with the key: from when it was written to when it is given back. */
export class Tenure {
  readonly #bid: Bid;
  readonly since = new Date();
  readonly #serverClock = new SeenClock();
  #place: { readonly link: Link; readonly cas: string } | undefined;
  #grantedAt = 0;
  #ended = false;

  constructor(bid: Bid) {
    this.#bid = bid;
  }

  /** Writes the key if it is free. @returns whether it is ours now */
  async take(link: Link): Promise<boolean> {
    const { did } = await this.#behindClock(link, () => this.#add(link));
    return did;
  }

  async #add(link: Link): Promise<boolean> {
    const { key } = this.#bid;
    const seconds = this.#seconds(this.#bid.claim.holdMs ?? 0);
    const cas = await link.add(key, this.#value(seconds, false), seconds);
    this.#stand(link, cas);
    return cas !== undefined;
  }

  /** The lease, once the key is ours by a request that was sent at `sentAt`, monotonic ms. */
  begin(sentAt: number): TtlLease {
    const { budget, evidence, clock, log, connection } = this.#bid;
    this.#grantedAt = clock.now();
    return new TtlLease({
      budget,
      sentAt,
      fencingToken: undefined,
      evidence,
      clock,
      log,
      renew: (signal) => connection.use((link) => this.renew(link), signal),
      giveBack: () => this.giveBack(),
    });
  }

  /** The key is ours by a request whose answer never came: has it live for another time, and be held from now on. */
  adopt(link: Link): Promise<Renewal> {
    this.#grantedAt = this.#bid.clock.now();
    return this.renew(link);
  }

  /** Has the key live for another time. */
  async renew(link: Link): Promise<Renewal> {
    const { did, rightAt } = await this.#behindClock(link, () => this.#renew(link));
    return did.how === 'lost' ? did : { how: 'renewed', from: countsFrom(rightAt, this.#bid.budget.ttlMs) };
  }

  async #renew(link: Link): Promise<Renewal> {
    const seconds = this.#seconds(this.#restMs());
    const value = this.#value(seconds, false);
    const { key } = this.#bid;
    const found = await this.#swap(link, async (cas) =>
      // What was given back meanwhile is not written again; nobody hears the answer.
      this.#ended ? { how: 'done', cas } : link.replace(key, value, seconds, cas),
    );
    if (found.how === 'done') {
      this.#stand(link, found.cas);
      return { how: 'renewed' };
    }
    if (found.how === 'taken') return { how: 'lost', cause: 'deleted', message: TAKEN };
    // A server that was started just now has granted our key to nobody, since nobody asks it for one yet: we may
    // write it again, and the restart does not touch the command.
    if (unsettled(this.#bid, link) === 0) return { how: 'lost', cause: 'deleted', message: GONE };
    if (this.#ended) return { how: 'renewed' };
    return (await this.#add(link)) ? { how: 'renewed' } : { how: 'lost', cause: 'deleted', message: TAKEN };
  }

  /** Writes, and asks for the time right before it: what is written lives from that time on, or a later one. */
  async #behindClock<T>(
    link: Link,
    write: () => Promise<T>,
  ): Promise<{ readonly did: T; readonly rightAt: number }> {
    const sentAt = this.#bid.clock.now();
    const [second, did] = await Promise.all([link.uptime(), write()]);
    return { did, rightAt: this.#serverClock.saw(second, sentAt) };
  }

  /** Nobody ever had the lock: when it is given back, no minimum hold is left of it. */
  annul(): void {
    this.#grantedAt = Number.NEGATIVE_INFINITY;
  }

  /** Removes the key, or leaves what is left of the minimum hold. */
  async giveBack(): Promise<void> {
    this.#ended = true;
    const { clock, connection, onEnd } = this.#bid;
    onEnd();
    const limit = abortAt(clock.now() + GIVE_BACK_MS, clock, () => new Error('no answer in time'));
    const leave = () => connection.use((link) => this.#leave(link), limit.signal);
    try {
      // Once more, at once: the link may have ended since the last renewal, or with what another lock asked over it.
      await leave().catch((error: unknown) => {
        if (limit.signal.aborted || isFinal(error)) throw error;
        return leave();
      });
    } finally {
      limit.cancel();
    }
  }

  async #leave(link: Link): Promise<void> {
    const { key } = this.#bid;
    const rest = this.#restMs();
    const seconds = holdSeconds(rest);
    const value = this.#value(seconds, true);
    const left = await this.#swap(link, (cas) =>
      rest > 0 ? link.replace(key, value, seconds, cas) : link.remove(key, cas),
    );
    // Thrown out or forgotten: the hold is written again, unless somebody was quicker.
    if (left.how === 'gone' && rest > 0) await link.add(key, value, seconds);
  }

  /** Acts on the key if it is ours, whether or not we know its number. */
  async #swap(link: Link, act: (cas: string) => Promise<Swapped>): Promise<Swapped | { how: 'taken' }> {
    if (this.#place?.link === link) {
      const swapped = await act(this.#place.cas);
      if (swapped.how !== 'changed') return swapped;
    }
    // Another link, whose numbers are others; or a renewal whose answer we never heard.
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const found = await link.read(this.#bid.key);
      if (found === undefined) return { how: 'gone' };
      if (found.value?.owner !== this.#bid.owner) return { how: 'taken' };
      const swapped = await act(found.cas);
      if (swapped.how !== 'changed') return swapped;
    }
    throw new Error('the key was written to while it was read');
  }

  #stand(link: Link, cas: string | undefined): void {
    this.#place = cas === undefined ? undefined : { link, cas };
  }

  /** What is left of the minimum hold, ms. */
  #restMs(): number {
    const { claim, clock } = this.#bid;
    return (claim.holdMs ?? 0) - (clock.now() - this.#grantedAt);
  }

  /** The key lives as long as the lease or the hold binds, whichever is longer: then a crash ends neither too early. */
  #seconds(restMs: number): number {
    const lease = leaseSeconds(this.#bid.budget.ttlMs);
    return restMs > 0 ? Math.max(lease, holdSeconds(restMs)) : lease;
  }

  #value(life: number, released: boolean): string {
    const { owner, claim, budget } = this.#bid;
    const lease = leaseSeconds(budget.ttlMs);
    return formatValue({ owner, identity: claim.identity, since: this.since, life, lease, released });
  }
}

const TAKEN = "memcached has another's lock where ours was";
const GONE = 'memcached does not have our lock any more: deleted, flushed, or thrown out for want of memory';
