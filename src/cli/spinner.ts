import type { Clock, Timer } from '../util/clock.js';
import { printable } from '../util/words.js';

const FRAMES = ['|', '/', '-', '\\'];
const FRAME_MS = 250;
/** Back to the first column, and the line erased: ECMA-48 CR and EL. */
const ERASE = '\r\x1b[2K';

/** A terminal on which one line may be redrawn at the bottom, below the lines that stay. */
export interface Screen {
  write(text: string): void;
}

/**
 * A line that says how long we have been waiting and for what, redrawn in place. Lines of the log go through it,
 * so that they appear above it.
 */
export class Spinner {
  readonly #screen: Screen;
  readonly #clock: Clock;
  #state: { readonly since: number; text: string; frame: number; timer: Timer } | undefined;

  constructor(screen: Screen, clock: Clock) {
    this.#screen = screen;
    this.#clock = clock;
  }

  /** Shows `text` from now on; the time counts from the first call. */
  show(text: string): void {
    if (this.#state === undefined) {
      this.#state = { since: this.#clock.now(), text, frame: 0, timer: this.#tick() };
    } else {
      this.#state.text = text;
    }
    this.#screen.write(this.#line());
  }

  /** Erases the line; `show` begins anew. */
  stop(): void {
    if (this.#state === undefined) return;
    this.#state.timer.cancel();
    this.#state = undefined;
    this.#screen.write(ERASE);
  }

  /** Writes a line that stays. */
  log(line: string): void {
    this.#screen.write(this.#state === undefined ? `${line}\n` : `${ERASE}${line}\n${this.#line()}`);
  }

  #tick(): Timer {
    return this.#clock.setTimer(FRAME_MS, () => {
      if (this.#state === undefined) return;
      this.#state.frame += 1;
      this.#state.timer = this.#tick();
      this.#screen.write(this.#line());
    });
  }

  /** A line too long for the terminal is cut by it (DECAWM off and on): it could not be erased if it wrapped. */
  #line(): string {
    if (this.#state === undefined) return '';
    const { since, text, frame } = this.#state;
    const spin = FRAMES[frame % FRAMES.length];
    return `${ERASE}\x1b[?7l${spin} ${showSpan(this.#clock.now() - since)} ${printable(text)}\x1b[?7h`;
  }
}

/** `7 s`, `3 min 07 s`, `2 h 03 min`. */
export function showSpan(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const pad = (part: number) => String(part).padStart(2, '0');
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor(seconds / 60) % 60)} min`;
}
