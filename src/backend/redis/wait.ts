import { orAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import { messageOf } from '../../util/errors.js';
import type { Log } from '../../util/log.js';
import { Bell, type Notices } from './notices.js';
import { type Refusal, youngMessage } from './refusal.js';
import { lookEveryMs } from './timing.js';

/** Those who come together come apart again by up to so much, ms. */
const JITTER_MS = 50;
/** A lock that is held on some masters by nobody with a majority is asked for again after about so long, ms. */
const SPLIT_MS = 50;
/** How long to wait for a server's promise to tell of releases, ms. */
const SUBSCRIBE_MS = 1000;

/**
 * How long a waiter may rest before it looks again, ms, if nobody rings. It shows that it lives by that, too.
 * @param chance from 0 to 1
 */
export function restMs(refusal: Refusal, ttlMs: number, chance: number): number {
  const most = lookEveryMs(ttlMs) * (0.8 + 0.2 * chance);
  if (refusal.how === 'unreachable') return Math.min(most, SPLIT_MS * (1 + chance));
  // A key without an end, or one that was gone when its end was asked for.
  if (refusal.forMs < 0) return Math.min(most, SPLIT_MS * (1 + chance));
  return Math.min(most, refusal.forMs + 1 + JITTER_MS * chance);
}

/** One who waits: rests, hears of releases, and says once why nothing can be had. */
export class Patience {
  readonly #bell = new Bell();
  #listening = false;
  #ended = false;
  readonly #said = new Set<Refusal['how']>();

  constructor(
    private readonly channel: string,
    private readonly notices: Notices,
    private readonly ttlMs: number,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * Waits until it is worth another attempt: the first time, until releases are told to us, so that none is missed.
   */
  async rest(refusal: Refusal, signal: AbortSignal): Promise<void> {
    this.#explain(refusal);
    if (!this.#listening && refusal.how === 'held') {
      this.#listening = true;
      this.notices
        .listen(this.channel, this.#bell)
        .then(this.#bell.ring, (error) => this.#explainDeaf(error));
      await orAborted(this.#bell.heard(SUBSCRIBE_MS, this.clock, signal), signal);
      return;
    }
    await this.#bell.heard(restMs(refusal, this.ttlMs, Math.random()), this.clock, signal);
  }

  end(): void {
    this.#ended = true;
    if (this.#listening) this.notices.forget(this.channel, this.#bell);
  }

  /** One who may not listen looks every so often instead. */
  #explainDeaf(error: unknown): void {
    if (this.#ended) return;
    const every = `${Number((lookEveryMs(this.ttlMs) / 1000).toFixed(1))} s`;
    this.log.warn({}, `no release is told to us: ${messageOf(error)}; we look every ${every} instead`);
  }

  #explain(refusal: Refusal): void {
    if (refusal.how === 'held') {
      if (this.#said.delete('unreachable')) this.log.info({}, 'redis answers again');
      return;
    }
    if (this.#said.has(refusal.how)) return;
    this.#said.add(refusal.how);
    if (refusal.how === 'young') {
      this.log.warn({ server: refusal.server, waitMs: refusal.forMs }, youngMessage(refusal));
    } else {
      this.log.warn({}, `${messageOf(refusal.error)}; we go on waiting`);
    }
  }
}
