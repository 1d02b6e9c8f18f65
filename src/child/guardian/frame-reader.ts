/** The beginning of a frame, or of one whose length has not come whole. */
const START = /^(?:\d{1,9}(?::|$)|$)/;

/** Reads frames (protocol.ts) out of a stream of bytes. */
export class FrameReader {
  readonly #onFrame: (words: readonly string[]) => void;
  #rest = Buffer.alloc(0);

  constructor(onFrame: (words: readonly string[]) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws Error when what comes is no frame: nothing after it would be understood */
  push(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const start = this.#rest.toString('latin1', 0, 10);
      if (!START.test(start)) throw new Error(`expected a frame, got ${JSON.stringify(start)}`);
      const colon = this.#rest.indexOf(':');
      const length = Number(this.#rest.toString('latin1', 0, Math.max(colon, 0)));
      const end = colon + 1 + length;
      if (colon < 0 || this.#rest.length < end) return;
      const words = this.#rest.toString('utf8', colon + 1, end).split('\0');
      this.#rest = this.#rest.subarray(end);
      this.#onFrame(words);
    }
  }
}
