import type { SignalName } from '../child/child.js';
import type { SignalFeed } from '../supervisor/job.js';

/** Signals that are ours to answer or hand on from the first moment. SIGUSR1 would open Node's inspector otherwise. */
const ALWAYS = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
] as const satisfies readonly SignalName[];

/** Signals that suspend us, as they should while we wait, and must not while we hold: the lease would be lost. */
const SUSPENDING = ['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const satisfies readonly SignalName[];

/** Signals that ask for an end; one that comes before anybody listens is kept. */
const ENDING: readonly SignalName[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Signals that a terminal sends to its whole foreground group. */
const OF_THE_TERMINAL: readonly SignalName[] = ['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGTSTP'];

/** The part of Node's `process` that delivers signals. */
export interface SignalSource {
  on(name: SignalName, listener: (name: SignalName) => void): unknown;
}

/** The signals of this process, from when it is made on. */
export class ProcessSignals implements SignalFeed {
  readonly #source: SignalSource;
  readonly #inForeground: () => boolean;
  readonly #listeners = new Set<(name: SignalName) => void>();
  #early: SignalName[] = [];

  /** @param inForeground whether the keys of a terminal reach our process group */
  constructor(source: SignalSource, inForeground: () => boolean) {
    this.#source = source;
    this.#inForeground = inForeground;
    for (const name of ALWAYS) source.on(name, this.#receive);
  }

  subscribe(listener: (name: SignalName) => void): () => void {
    this.#listeners.add(listener);
    const early = this.#early.splice(0);
    // Not before the subscriber has what we return.
    queueMicrotask(() => {
      for (const name of early) if (this.#listeners.has(listener)) listener(name);
    });
    return () => void this.#listeners.delete(listener);
  }

  deliveredByTerminal(name: SignalName): boolean {
    return OF_THE_TERMINAL.includes(name) && this.#inForeground();
  }

  inForeground(): boolean {
    return this.#inForeground();
  }

  /** From now on, Ctrl-Z and a background write do not suspend us. Once is enough. */
  refuseSuspension(): void {
    for (const name of SUSPENDING) this.#source.on(name, this.#receive);
  }

  readonly #receive = (name: SignalName): void => {
    if (this.#listeners.size > 0) for (const listener of this.#listeners) listener(name);
    else if (ENDING.includes(name)) this.#early.push(name);
  };
}
