import type { Redis } from 'ioredis';
import { delay, whenAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';

/** A bell that may ring before anybody listens to it. */
export class Bell {
  #rung = false;
  #wake = () => {};

  readonly ring = (): void => {
    this.#rung = true;
    this.#wake();
  };

  /** Resolves when it rings, has rung since the last time, or `ms` have passed; rejects with the reason of `signal`. */
  async heard(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (!this.#rung) {
      const rest = new AbortController();
      this.#wake = () => rest.abort();
      // Not AbortSignal.any: before Node 24 each leaves something behind at a signal that one may wait by for weeks.
      const forget = whenAborted(signal, this.#wake);
      await delay(ms, clock, rest.signal).catch(() => {});
      forget();
      signal.throwIfAborted();
    }
    this.#rung = false;
  }
}

/**
 * Hears of releases, over a connection of its own to each server, made when first it is asked for. What is told while
 * there is no connection is not heard: a new connection rings all bells, and nobody should rely on a bell alone.
 */
export class Notices {
  readonly #open: () => readonly Redis[];
  #clients: readonly Redis[] | undefined;
  readonly #bells = new Map<string, Set<Bell>>();

  /** @param open makes the clients, not connected yet */
  constructor(open: () => readonly Redis[]) {
    this.#open = open;
  }

  /** Resolves when the first server has promised to tell; rejects with what one said when all refuse. */
  async listen(channel: string, bell: Bell): Promise<void> {
    this.#clients ??= this.#connect();
    const bells = this.#bells.get(channel) ?? new Set();
    this.#bells.set(channel, bells.add(bell));
    const promised = this.#clients.map((client) => client.subscribe(channel));
    try {
      await Promise.any(promised);
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error;
    }
  }

  forget(channel: string, bell: Bell): void {
    const bells = this.#bells.get(channel);
    bells?.delete(bell);
    if (bells?.size !== 0) return;
    this.#bells.delete(channel);
    for (const client of this.#clients ?? []) client.unsubscribe(channel).catch(() => {});
  }

  close(): void {
    for (const client of this.#clients ?? []) client.disconnect();
    this.#clients = [];
  }

  #connect(): readonly Redis[] {
    const clients = this.#open();
    for (const client of clients) {
      // Reconnects by itself.
      client.on('error', () => {});
      client.on('message', (channel: string) => this.#ring(channel));
      client.on('ready', () => {
        for (const channel of this.#bells.keys()) this.#ring(channel);
      });
      client.connect().catch(() => {});
    }
    return clients;
  }

  #ring(channel: string): void {
    for (const bell of this.#bells.get(channel) ?? []) bell.ring();
  }
}
