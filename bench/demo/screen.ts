import { drawLanes, type Lane, LEGEND } from './lanes.js';

/** How often the time line moves, ms. */
const FRAME_MS = 100;
const UP = (lines: number) => `\x1b[${lines}A`;
const CLEAR_BELOW = '\r\x1b[J';

/**
 * What is seen of the demo. On a terminal with colours: what happens, and below it a time line that grows. Elsewhere
 * plain lines, and the time line once, at the end.
 */
export class Screen {
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly out: NodeJS.WriteStream,
    private readonly lanes: () => readonly Lane[],
    private readonly now: () => number,
    private readonly live: boolean,
  ) {}

  start(): void {
    if (this.live) this.#timer = setInterval(() => this.#redraw(), FRAME_MS);
  }

  /** Tells something, above the time line. */
  say(line: string): void {
    this.#erase();
    this.out.write(`${(this.now() / 1000).toFixed(2).padStart(6)} s  ${line}\n`);
    this.#redraw();
  }

  /** Draws for the last time, plain screens for the only time. */
  end(): void {
    clearInterval(this.#timer);
    this.#erase();
    this.out.write(`${this.#picture().join('\n')}\n`);
  }

  #picture(): string[] {
    const untilMs = this.now();
    // A cell of a fifth of a second, or of as much more as the width asks for.
    const room = (this.out.columns ?? 110) - 8;
    const cellMs = 200 * Math.max(1, Math.ceil(untilMs / 200 / room));
    return ['', ...drawLanes(this.lanes(), untilMs, { cellMs, colour: this.live }), '', `  ${LEGEND}`];
  }

  #redraw(): void {
    if (this.#timer === undefined) return;
    const picture = this.#picture();
    this.#erase();
    this.out.write(`${picture.join('\n')}\n`);
    this.#drawn = picture.length;
  }

  #erase(): void {
    if (this.#drawn > 0) this.out.write(`${UP(this.#drawn)}${CLEAR_BELOW}`);
    this.#drawn = 0;
  }
}
