import type { ExitStatus, SignalName } from '../../src/child/child.js';
import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

/** What kind of command a contender runs. */
export interface Nature {
  /** Whether the command, and whether what it leaves behind, ends on a stop signal. */
  readonly obeys: boolean;
  readonly daemonsObey: boolean;
  readonly daemons: boolean;
  /** When the command ends by itself, ms after its start. */
  readonly lifeMs: number;
  /** The longest that SIGKILL may take, ms: part of the margin that the lease leaves for it. */
  readonly killMs: number;
}

export function drawNature(random: Random, ttlMs: number, killMs: number): Nature {
  return {
    obeys: random.chance(0.5),
    daemonsObey: random.chance(0.5),
    daemons: random.chance(0.5),
    lifeMs: random.chance(0.3) ? random.between(0, 2 * ttlMs) : Number.POSITIVE_INFINITY,
    killMs,
  };
}

/** A command that was started, and its descendants. Signals reach all of it. */
export class CommandTree {
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #nature: Nature;
  #commandLives = true;
  #daemonsLive: boolean;
  #killed = false;
  readonly #onExit: ((status: ExitStatus) => void)[] = [];
  readonly #onGone: (() => void)[] = [];
  #status: ExitStatus | undefined;

  constructor(timeline: Timeline, random: Random, nature: Nature) {
    this.#timeline = timeline;
    this.#random = random;
    this.#nature = nature;
    this.#daemonsLive = nature.daemons;
    if (nature.lifeMs < Number.POSITIVE_INFINITY) {
      timeline.in(nature.lifeMs, () => this.#commandEnds({ how: 'exited', code: 0 }));
    }
  }

  get isAlive(): boolean {
    return this.#commandLives || this.#daemonsLive;
  }

  onExit(listener: (status: ExitStatus) => void): void {
    if (this.#status === undefined) this.#onExit.push(listener);
    else listener(this.#status);
  }

  onGone(listener: () => void): void {
    if (this.isAlive) this.#onGone.push(listener);
    else listener();
  }

  signal(name: SignalName): void {
    const { obeys, daemonsObey, killMs } = this.#nature;
    if (name === 'SIGKILL') {
      if (this.#killed) return;
      this.#killed = true;
      this.#timeline.in(this.#random.next() * killMs, () => {
        this.#daemonsLive = false;
        this.#commandEnds({ how: 'killed', signal: 'SIGKILL' });
      });
      return;
    }
    const cleanUpMs = this.#random.between(0, 20 * killMs);
    if (obeys) this.#timeline.in(cleanUpMs, () => this.#commandEnds({ how: 'killed', signal: name }));
    if (daemonsObey) this.#timeline.in(this.#random.between(0, 20 * killMs), () => this.#daemonsEnd());
  }

  /** What the kernel does to the command when the guardian dies: not to what it has left behind. */
  parentDied(): void {
    this.#commandEnds({ how: 'killed', signal: 'SIGKILL' });
  }

  #daemonsEnd(): void {
    if (!this.#daemonsLive) return;
    this.#daemonsLive = false;
    this.#lookWhetherGone();
  }

  #commandEnds(status: ExitStatus): void {
    if (this.#commandLives) {
      this.#commandLives = false;
      this.#status = status;
      for (const listener of this.#onExit) listener(status);
    }
    this.#lookWhetherGone();
  }

  #lookWhetherGone(): void {
    if (this.isAlive) return;
    for (const listener of this.#onGone.splice(0)) listener();
  }
}
