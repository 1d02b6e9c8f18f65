import type { Clock, Timer } from '../../util/clock.js';

export interface PulseOptions {
  readonly clock: Clock;
  /** Session timeout, ms, asked at each beat. */
  readonly ttlMs: () => number;
  readonly isConnected: () => boolean;
  readonly ping: () => void;
  /** Connected, and nothing was heard for 2T/3: the server is given up. */
  readonly onSilentServer: (silenceMs: number) => void;
  /** Not connected, and nothing was heard for T: no server can be asked whether the session lives. */
  readonly onSilence: (silenceMs: number) => void;
}

/** Looks so often a session timeout: a silence is noticed T/20 late at most. */
const BEATS_PER_TTL = 20;

/**
 * Pings every T/3, whatever else comes in, and notices silence. The library pings only when the socket has been
 * idle, reads counted, and never gives up on a silent server.
 */
export class Pulse {
  readonly #options: PulseOptions;
  #lastHeard: number;
  #lastPing: number;
  #timer: Timer | undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#lastHeard = this.#lastPing = options.clock.now();
  }

  /** A server was heard. */
  heard(): void {
    this.#lastHeard = this.#options.clock.now();
  }

  /** A connection was made: the beat begins anew. */
  start(): void {
    this.#lastHeard = this.#lastPing = this.#options.clock.now();
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(this.#options.ttlMs() / BEATS_PER_TTL, () => this.#beat());
  }

  #beat(): void {
    const { clock, isConnected, ping, onSilence, onSilentServer } = this.#options;
    const ttlMs = this.#options.ttlMs();
    const now = clock.now();
    const silenceMs = now - this.#lastHeard;
    this.#schedule();
    if (!isConnected()) {
      if (silenceMs > ttlMs) onSilence(silenceMs);
    } else if (silenceMs > (ttlMs * 2) / 3) onSilentServer(silenceMs);
    else if (now - this.#lastPing >= ttlMs / 3) {
      this.#lastPing = now;
      ping();
    }
  }
}
