import type { Claim } from '../backend/contract.js';
import type { Outcome } from '../supervisor/job.js';
import { atMost } from '../util/abort.js';
import type { HeldLease } from './held-lease.js';
import { identityOfProgram } from './identity.js';
import { Lock } from './lock.js';
import { openingOf, type Where } from './opening.js';
import { type ConnectOptions, type LockSettings, readOptions } from './options.js';
import { resourceOf } from './resource.js';
import type { RunOptions } from './run.js';
import { Sessions } from './sessions.js';

/** How long, ms, a close waits for the service to take the locks back; with the session they end anyway. */
const RELEASE_LIMIT_MS = 500;

/**
 * The locks of one service. A session is opened with the first use, and another one when that has ended. It may keep the
 * process alive until `close`.
 */
export class Locks implements AsyncDisposable {
  readonly #settings: LockSettings;
  readonly #sessions: Sessions;
  readonly #held = new Set<HeldLease>();
  readonly #works = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  /** Opens nothing yet. Made by {@link connect}. */
  constructor(where: Where, options: ConnectOptions = {}) {
    this.#settings = readOptions(options);
    this.#sessions = new Sessions(openingOf(where, this.#settings));
  }

  /**
   * A lock: one holder at a time.
   * @param name below the namespace; may have several parts, joined by `/`
   * @returns one contender, which asks the service for nothing yet
   * @throws UsageError for what is no name
   */
  lock(name: string): Lock {
    return this.#make(name, { permits: 1, mode: 'exclusive' });
  }

  /**
   * One of several permits: as many holders at a time. All who use the name must agree on the number.
   * @param permits from 1 to what the service can do; 1 is a lock
   * @returns one contender; that the number cannot be is told when it contends
   * @throws UsageError for what is no name
   */
  semaphore(name: string, permits: number): Lock {
    return this.#make(name, { permits, mode: 'exclusive' });
  }

  /**
   * The lock of that name for a reader: any number of readers at a time, none beside a holder of `lock(name)`.
   * @throws UsageError for what is no name
   */
  shared(name: string): Lock {
    return this.#make(name, { permits: 1, mode: 'shared' });
  }

  /**
   * Runs a command under a lock, as the command line does: its whole process tree is dead before anybody else can have
   * the lock, whatever becomes of this process. It has our standard input, output and error, and our working directory. No
   * signal handler is installed: what is to stop it is `options.signal`. Its lock is not that of a session of {@link lock}: it
   * has one of its own.
   * @param file found by the `PATH` of its environment; no shell
   * @param args reach it byte for byte
   * @returns how it ended, once all of its tree is dead and the lock given back
   * @throws CommandError when it cannot be started; what `Lock.acquire` throws; what `options.onQueue` throws
   */
  async run(file: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Outcome> {
    this.#sessions.closing.throwIfAborted();
    // It is the heavier part of lockex, which not every program has a use for.
    const { runCommand } = await import('./run.js');
    const running = runCommand(this.#settings, this.#sessions, { file, args }, options);
    this.#works.add(running);
    try {
      return await running;
    } finally {
      this.#works.delete(running);
    }
  }

  /**
   * Whether the service can be used: opens the session now, if there is none.
   * @param signal gives up; what was begun goes on for others who wait for it
   * @throws as {@link connect}
   */
  async open(signal: AbortSignal = new AbortController().signal): Promise<void> {
    const { leave } = await this.#sessions.within(
      async () => {},
      () => true,
      signal,
    );
    leave();
  }

  /**
   * Ends all: who waits is rejected, leases that are held abort their `lost` and are given back, commands of `run` are
   * stopped, the session is closed. Waits for work of `hold` and for commands, since nobody else may have their locks
   * before they have ended; within such work it must not be awaited, or it waits for itself. Leases of `acquire` are given
   * back at once. Twice is safe.
   * @throws nothing of ours; what a backend of one's own throws when it is closed
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const closed = this.#sessions.stop();
    for (const lease of this.#held) lease.lose('the locks were closed');
    await Promise.allSettled(this.#works);
    const releases = Promise.all([...this.#held].map((lease) => lease.release()));
    await atMost(RELEASE_LIMIT_MS, this.#settings.clock, releases);
    await closed();
  }

  #make(name: string, part: Pick<Claim, 'permits' | 'mode'>): Lock {
    const claim = { resource: resourceOf(this.#settings.namespace, name), ...part };
    const { clock, timeoutMs, lossGraceMs } = this.#settings;
    return new Lock({
      sessions: this.#sessions,
      clock,
      held: this.#held,
      works: this.#works,
      timeoutMs,
      claim: {
        ...claim,
        identity: identityOfProgram(),
        ...(lossGraceMs === undefined ? {} : { lossGraceMs }),
      },
    });
  }
}

/**
 * Connects with a lock service.
 * @param where a URL, a client or a backend of one's own, or a function that opens one
 * @throws UsageError for options that cannot be used
 * @throws ServiceUnreachableError when there was no session in time
 * @throws NotPermittedError when the service refuses the login; the reason of `options.signal`
 */
export async function connect(where: Where, options: ConnectOptions = {}): Promise<Locks> {
  const locks = new Locks(where, options);
  try {
    await locks.open(options.signal);
    return locks;
  } catch (error) {
    await locks.close();
    throw error;
  }
}
