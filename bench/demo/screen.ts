import { drawLanes, type Lane, LEGEND } from './lanes.js';

/** How often the time line moves, ms. */
const FRAME_MS = 100;
const CELL_MS = 200;
/** Where there is no terminal to ask. */
const PLAIN_WIDTH = 110;
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
    if (this.live) this.#timer = setInterval(() => this.#write('', true), FRAME_MS);
  }

  /** Tells something, above the time line. */
  say(line: string): void {
    this.#write(`${(this.now() / 1000).toFixed(2).padStart(6)} s  ${line}\n`, this.#timer !== undefined);
  }

  /** Draws for the last time, plain screens for the only time. */
  end(): void {
    clearInterval(this.#timer);
    this.#write('', true);
    this.#drawn = 0;
  }

  /** In one piece, so that it does not flicker. */
  #write(text: string, picture: boolean): void {
    const erase = this.#drawn > 0 ? `${UP(this.#drawn)}${CLEAR_BELOW}` : '';
    const lines = picture ? this.#picture() : [];
    this.#drawn = lines.length;
    this.out.write(erase + text + lines.map((line) => `${line}\n`).join(''));
  }

  #picture(): string[] {
    const untilMs = this.now();
    // A cell of a fifth of a second, or of as many as the width asks for.
    const room = Math.max(20, (this.out.columns || PLAIN_WIDTH) - 8);
    const cellMs = CELL_MS * Math.max(1, Math.ceil(untilMs / CELL_MS / room));
    const lanes = drawLanes(this.lanes(), untilMs, { cellMs, colour: this.live });
    return ['', ...lanes, '', ...LEGEND.map((line) => `  ${line}`)];
  }
}
