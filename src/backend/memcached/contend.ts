import { delay } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import { messageOf } from '../../util/errors.js';
import { showServer } from '../address.js';
import type { Contender } from '../contract.js';
import type { TtlLease } from '../ttl-lease.js';
import { isFinal } from './connection.js';
import type { Link } from './link.js';
import { type Bid, Tenure, unsettled } from './tenure.js';
import { contenderOf, type Found, isOver } from './value.js';

/** What a look at the key came to. */
export type Look =
  | { readonly how: 'granted'; readonly lease: TtlLease }
  /** `found` is undefined when it was gone again at the second look. */
  | { readonly how: 'held'; readonly found: Found | undefined }
  /** The server may have forgotten a lock, for so long yet, ms. */
  | { readonly how: 'unsettled'; readonly forMs: number };

/** memcached tells nobody of a change: a waiter looks so often, ms, the exact time drawn by lot. */
const LOOK_MS = { from: 50, to: 250 };

/** Whoever leaves waits so long, ms, for what it has asked, so that a lock granted at that moment is given back. */
const LEAVE_MS = 500;

/** One contender: from its first look to its grant. */
export class Contending {
  readonly #bid: Bid;
  readonly #tenure: Tenure;
  readonly #random: () => number;
  readonly #isSelf: (owner: string) => boolean;
  readonly #lookMs: { readonly from: number; readonly to: number };
  #toldOf: string | undefined;
  #toldUnsettled = false;
  #troubled = false;

  /** @param retryEveryMs about how often to look; our own choice if undefined */
  constructor(
    bid: Bid,
    isSelf: (owner: string) => boolean,
    random: () => number,
    retryEveryMs: number | undefined,
  ) {
    this.#bid = bid;
    // By lot, too: who has come together with others is not to go on together with them.
    this.#lookMs =
      retryEveryMs === undefined ? LOOK_MS : { from: retryEveryMs * 0.75, to: retryEveryMs * 1.25 };
    this.#tenure = new Tenure(bid);
    this.#isSelf = isSelf;
    this.#random = random;
  }

  /**
   * One look, and the key if it is free. Throws `signal.reason` when it aborts; nothing is left behind then, unless
   * memcached is silent just now: a key that it may write for us yet ends by itself.
   */
  async look(signal: AbortSignal): Promise<Look> {
    signal.throwIfAborted();
    const { connection, clock, budget } = this.#bid;
    const limit = leavingLimit(signal, budget.ttlMs / 6, clock);
    try {
      const look = await connection.use((link) => this.#look(link), limit.signal);
      if (!signal.aborted) return look;
      if (look.how === 'granted') {
        this.#tenure.annul();
        await look.lease.release();
      }
      throw signal.reason;
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      limit.cancel();
    }
  }

  /** Looks until the key is ours. What goes wrong on the way to the server takes no more than time. */
  async wait(signal: AbortSignal): Promise<TtlLease> {
    for (;;) {
      const look = await this.#tryLook(signal);
      if (look?.how === 'granted') return look.lease;
      if (look?.how === 'held') this.#tellHeld(look.found);
      if (look?.how === 'unsettled') this.#tellUnsettled(look.forMs);
      const { from, to } = this.#lookMs;
      await delay(from + this.#random() * (to - from), this.#bid.clock, signal);
    }
  }

  /** What is to be said of a lock that nobody holds and that is not granted. */
  refusal(forMs: number): string {
    return (
      `memcached ${showServer(this.#bid.connection.server)} was started a short while ago and may have forgotten who ` +
      `holds the lock: it is granted to nobody for another ${Math.ceil(forMs / 1000)} s`
    );
  }

  /** Says it once. */
  #tellUnsettled(forMs: number): void {
    if (this.#toldUnsettled) return;
    this.#toldUnsettled = true;
    // Whoever held may write its lock again: that is news then.
    this.#toldOf = undefined;
    this.#bid.log.warn({ waitMs: Math.round(forMs) }, this.refusal(forMs));
    this.#tell([]);
  }

  async #look(link: Link): Promise<Look> {
    const { key, owner, clock } = this.#bid;
    const found = await link.read(key);
    if (found?.value?.owner === owner) return this.#adopt(link);
    if (found !== undefined) return { how: 'held', found };
    const forMs = unsettled(this.#bid, link);
    if (forMs > 0) return { how: 'unsettled', forMs };
    const sentAt = clock.now();
    if (await this.#tenure.take(link)) return { how: 'granted', lease: this.#tenure.begin(sentAt) };
    return { how: 'held', found: await link.read(key) };
  }

  /** We were granted it by a request whose answer never came. */
  async #adopt(link: Link): Promise<Look> {
    const sentAt = this.#bid.clock.now();
    const renewal = await this.#tenure.adopt(link);
    if (renewal.how === 'renewed') return { how: 'granted', lease: this.#tenure.begin(sentAt) };
    return { how: 'held', found: undefined };
  }

  async #tryLook(signal: AbortSignal): Promise<Look | undefined> {
    try {
      const look = await this.look(signal);
      this.#troubled = false;
      return look;
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      const { log, connection } = this.#bid;
      if (!this.#troubled) {
        log.warn(
          {},
          `memcached ${showServer(connection.server)} does not answer: ${messageOf(error)}; waiting on`,
        );
      }
      this.#troubled = true;
      return undefined;
    }
  }

  #tellHeld(found: Found | undefined): void {
    if (found === undefined) return;
    const state = `${found.value?.owner} ${isOver(found)}`;
    if (state === this.#toldOf) return;
    this.#toldOf = state;
    this.#tell([contenderOf(found, this.#isSelf, new Date())]);
  }

  #tell(holders: readonly Contender[]): void {
    const { identity, onQueue } = this.#bid.claim;
    onQueue?.([...holders, { state: 'waiting', ...identity, since: this.#tenure.since, self: true }]);
  }
}

/** Aborts after `limitMs`, and soon after `signal` does. */
function leavingLimit(
  signal: AbortSignal,
  limitMs: number,
  clock: Clock,
): { readonly signal: AbortSignal; cancel(): void } {
  const limit = new AbortController();
  const late = () => limit.abort(new Error('no answer in time'));
  const timers = [clock.setTimer(limitMs, late)];
  const onAbort = () => void timers.push(clock.setTimer(LEAVE_MS, late));
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    signal: limit.signal,
    cancel() {
      signal.removeEventListener('abort', onAbort);
      for (const timer of timers) timer.cancel();
    },
  };
}
