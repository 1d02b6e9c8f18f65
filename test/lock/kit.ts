import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { Locks } from '../../src/lock/locks.js';
import type { ConnectOptions } from '../../src/lock/options.js';

/** Locks in memory, whose sessions a test can end. */
export class MemoryLocks implements AsyncDisposable {
  readonly service = new MemoryService();
  /** The sessions that were opened, in order. */
  readonly sessions: MemoryBackend[] = [];
  readonly #all: Locks[] = [];

  /** As another program would have them. */
  connect(options: ConnectOptions = {}): Locks {
    const locks = new Locks(async () => {
      const session = new MemoryBackend(this.service);
      this.sessions.push(session);
      return session;
    }, options);
    this.#all.push(locks);
    return locks;
  }

  /** The service ends the session opened last, as one does that has not heard of a client for too long. */
  async expire(): Promise<void> {
    await this.sessions.at(-1)?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((locks) => locks.close()));
  }
}
