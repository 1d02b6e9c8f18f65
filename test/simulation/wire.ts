import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

/**
 * One direction of the way between two machines: what is sent arrives in order, a little later. While the wire is
 * silent nothing arrives; TCP sends it again, so that it arrives some time after the silence, if anybody still listens.
 */
export class Wire {
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #slowestMs: number;
  #silences = 0;
  #held: (() => void)[] = [];
  #lastArrival = 0;

  constructor(timeline: Timeline, random: Random, slowestMs: number) {
    this.#timeline = timeline;
    this.#random = random;
    this.#slowestMs = slowestMs;
  }

  get silent(): boolean {
    return this.#silences > 0;
  }

  send(arrive: () => void): void {
    if (this.#silences > 0) {
      this.#held.push(arrive);
      return;
    }
    const soonest = this.#timeline.now + 0.1 + this.#random.next() * this.#slowestMs;
    this.#lastArrival = Math.max(this.#lastArrival, soonest);
    this.#timeline.at(this.#lastArrival, arrive);
  }

  silence(): void {
    this.#silences += 1;
  }

  /** @param afterMs until TCP has sent again what was lost */
  heal(afterMs: number): void {
    this.#silences -= 1;
    if (this.#silences > 0) return;
    const held = this.#held;
    this.#held = [];
    this.#lastArrival = Math.max(this.#lastArrival, this.#timeline.now + afterMs);
    for (const arrive of held) this.send(arrive);
  }
}
