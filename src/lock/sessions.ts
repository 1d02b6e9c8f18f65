import type { LockBackend } from '../backend/contract.js';
import { orAborted } from '../util/abort.js';
import { SessionLostError, UsageError } from '../util/errors.js';
import type { Opening } from './opening.js';

/** One session, and how many make use of it: those who contend, and the leases. */
interface Session {
  readonly backend: LockBackend;
  users: number;
  /** Nothing new is begun in it: it has ended, as far as somebody has heard. */
  retired: boolean;
}

/** What came of some work in a session. The session stays open for it until `leave` is called, once. */
export interface InSession<T> {
  readonly value: T;
  readonly leave: () => void;
}

/**
 * The sessions with one service: one at a time, opened when it is needed and again when it has ended. One that has ended
 * for somebody who waits is closed when nobody holds a lease of it any more: not every service ends all with one.
 */
export class Sessions {
  readonly #opening: Opening;
  readonly #all = new Set<Session>();
  readonly #closing = new AbortController();
  #current: Promise<Session> | undefined;

  constructor(opening: Opening) {
    this.#opening = opening;
  }

  /** Aborts when all is to end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Does something in a session. When it turns out that this has ended before, the work is begun again, once, in a new one.
   * @param mayRepeat whether nothing is lost with the session, asked when it was
   */
  async within<T>(
    work: (backend: LockBackend) => Promise<T>,
    mayRepeat: () => boolean,
    signal: AbortSignal,
  ): Promise<InSession<T>> {
    for (let repeated = false; ; repeated = true) {
      const session = await this.#enter(signal);
      try {
        const value = await work(session.backend);
        return { value, leave: () => this.#leave(session) };
      } catch (error) {
        const ended = error instanceof SessionLostError;
        if (ended) this.#retire(session);
        this.#leave(session);
        if (!ended || repeated || !mayRepeat() || signal.aborted) throw error;
      }
    }
  }

  /** Opens a session for one alone, who ends it. What is not ours to close stays open. */
  async openOwn(signal: AbortSignal): Promise<LockBackend> {
    const { open, owned } = this.#opening;
    const backend = await open(signal);
    return owned ? backend : kept(backend);
  }

  /** Nothing is begun any more, and who waits is rejected. Returns what ends the sessions that are ours to end. */
  stop(): () => Promise<void> {
    this.#closing.abort(new UsageError('expected locks that are open, got ones that were closed'));
    return async () => {
      await this.#current?.catch(() => {});
      this.#current = undefined;
      await Promise.all([...this.#all].map((session) => this.#end(session)));
    };
  }

  async #enter(signal: AbortSignal): Promise<Session> {
    for (;;) {
      signal.throwIfAborted();
      this.#closing.signal.throwIfAborted();
      this.#current ??= this.#open();
      const session = await orAborted(this.#current, signal);
      if (session.retired) continue;
      session.users += 1;
      return session;
    }
  }

  /** Not by the signal of who asked first: others wait for the same session. */
  #open(): Promise<Session> {
    const opening = this.#opening.open(this.#closing.signal).then((backend) => {
      const session = { backend, users: 0, retired: false };
      this.#all.add(session);
      return session;
    });
    opening.catch(() => {
      if (this.#current === opening) this.#current = undefined;
    });
    return opening;
  }

  #leave(session: Session): void {
    session.users -= 1;
    // It has ended before, and nobody waits for this: a backend that fails at it has nobody to tell.
    if (session.retired && session.users === 0) this.#end(session).catch(() => {});
  }

  #retire(session: Session): void {
    if (!session.retired) this.#current = undefined;
    session.retired = true;
  }

  async #end(session: Session): Promise<void> {
    this.#all.delete(session);
    if (this.#opening.owned) await session.backend[Symbol.asyncDispose]();
  }
}

/** The same backend, that whoever is done with it does not end. */
function kept(backend: LockBackend): LockBackend {
  return {
    traits: backend.traits,
    get farewells() {
      return backend.farewells;
    },
    acquire: (claim, signal) => backend.acquire(claim, signal),
    tryAcquire: (claim, signal) => backend.tryAcquire(claim, signal),
    contenders: (resource, signal) => backend.contenders(resource, signal),
    owns: (evidence, signal) => backend.owns(evidence, signal),
    [Symbol.asyncDispose]: async () => {},
  };
}
