import { constants, fstatSync, openSync, write } from 'node:fs';
import { platform } from 'node:os';
import type { Clock } from '../util/clock.js';
import { codeOf } from '../util/errors.js';

/** More than this waits for no reader: what comes then is dropped, and counted. */
const LIMIT_BYTES = 256 * 1024;
/** How soon a full pipe or a stopped terminal is tried again. */
const RETRY_MS = 50;

/**
 * A descriptor for our own lines on stderr.
 *
 * A pipe or terminal is opened anew and non-blocking. The description that we were given is the command's, too:
 * to make that one non-blocking would fail the command's writes, and a write that blocks in it would keep this
 * process from ever exiting (Node joins its threads). A file is never opened anew, since two offsets into it would
 * overwrite each other. Nor are sockets, which cannot be, and pipes of another user: there, a reader that stops
 * for good delays our exit, long after the lock was given back.
 */
export function openStderr(): number {
  if (platform() !== 'linux') return 2;
  try {
    const stat = fstatSync(2);
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return 2;
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return openSync('/proc/self/fd/2', O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return 2;
  }
}

/**
 * Writes text to a descriptor in order, without ever blocking the event loop or throwing: a reader that is slow
 * loses lines, one that is gone gets no more.
 */
export class Output {
  readonly #fd: number;
  readonly #clock: Clock;
  readonly #note: (dropped: number) => string;
  #queue: string[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  #busy = false;
  #broken = false;
  #idle: (() => void)[] = [];

  /** @param note the line that says how many lines were dropped, its newline included */
  constructor(fd: number, clock: Clock, note: (dropped: number) => string) {
    this.#fd = fd;
    this.#clock = clock;
    this.#note = note;
  }

  write(text: string): void {
    if (this.#broken) return;
    const bytes = Buffer.byteLength(text);
    if (this.#queuedBytes + bytes > LIMIT_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push(text);
    this.#queuedBytes += bytes;
    if (!this.#busy) this.#next();
  }

  /** Resolves when all is written or cannot be, or after `limitMs`. */
  flush(limitMs: number): Promise<void> {
    if (!this.#busy) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(limitMs, resolve);
      this.#idle.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #next(): void {
    if (this.#dropped > 0) {
      this.#queue.push(this.#note(this.#dropped));
      this.#dropped = 0;
    }
    const batch = Buffer.from(this.#queue.join(''));
    this.#queue = [];
    this.#queuedBytes = batch.length;
    this.#busy = batch.length > 0;
    if (this.#busy) this.#send(batch);
    else for (const resolve of this.#idle.splice(0)) resolve();
  }

  #send(batch: Buffer): void {
    write(this.#fd, batch, (error, written) => {
      if (error === null) {
        const rest = batch.subarray(written);
        if (rest.length > 0) this.#send(rest);
        else this.#next();
      } else if (codeOf(error) === 'EAGAIN') {
        this.#clock.setTimer(RETRY_MS, () => this.#send(batch));
      } else {
        this.#broken = true;
        this.#queue = [];
        this.#dropped = 0;
        this.#next();
      }
    });
  }
}
