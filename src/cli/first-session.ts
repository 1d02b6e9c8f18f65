import type { LockBackend } from '../backend/contract.js';

/** Opens a session; gives up when the signal aborts. */
export type Open = (signal: AbortSignal) => Promise<LockBackend>;

/**
 * The first session, opened before anybody has asked for it: what the rest of lockex takes to load goes by while the
 * packets are on their way. Later sessions are opened when they are asked for.
 */
export class FirstSession {
  readonly #open: Open;
  readonly #giveUp = new AbortController();
  /** It was opened, or could not be. */
  readonly opened: Promise<void>;
  #early: Promise<LockBackend> | undefined;

  constructor(open: Open) {
    this.#open = open;
    this.#early = open(this.#giveUp.signal);
    // A failure is whoever's who asks for the session.
    this.opened = this.#early.then(
      () => {},
      () => {},
    );
  }

  /** The first session for the first who asks, for everyone else one of their own. */
  connect(signal: AbortSignal): Promise<LockBackend> {
    const early = this.#early;
    if (early === undefined) return this.#open(signal);
    this.#early = undefined;
    const giveUp = () => this.#giveUp.abort(signal.reason);
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    return early;
  }
}
