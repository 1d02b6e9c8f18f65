import type { SignalName } from '../child/child.js';
import { inForegroundGroup } from '../child/terminal.js';
import type { SignalFeed } from '../supervisor/job.js';
import { whenAborted } from '../util/abort.js';

/** The wish of a program to stop its command, as the supervisor takes such wishes: as a SIGTERM that was sent to us. */
export class AbortFeed implements SignalFeed {
  readonly #listeners = new Set<(name: SignalName) => void>();
  readonly #forget: readonly (() => void)[];
  #asked = false;
  /** It is said once: a second SIGTERM would mean that it is urgent. */
  #heard = false;

  constructor(stops: readonly AbortSignal[]) {
    this.#forget = stops.map((stop) => whenAborted(stop, () => this.#stop()));
  }

  subscribe(listener: (name: SignalName) => void): () => void {
    this.#listeners.add(listener);
    // Not before the subscriber has what we return.
    if (this.#asked) queueMicrotask(() => this.#listeners.has(listener) && this.#stop());
    return () => void this.#listeners.delete(listener);
  }

  /** No signal of ours came from a terminal. */
  deliveredByTerminal(): boolean {
    return false;
  }

  inForeground(): boolean {
    return inForegroundGroup();
  }

  /** Nothing is heard any more. */
  end(): void {
    for (const forget of this.#forget) forget();
  }

  #stop(): void {
    if (this.#heard) return;
    this.#asked = true;
    this.#heard = this.#listeners.size > 0;
    for (const listener of [...this.#listeners]) listener('SIGTERM');
  }
}
