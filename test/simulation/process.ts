import type { Clock, Timer } from '../../src/util/clock.js';
import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

/** A machine. Its monotonic clock begins anywhere and is a little fast or slow. */
export class Host {
  readonly name: string;
  readonly #timeline: Timeline;
  readonly #offset: number;
  readonly #rate: number;

  /** Quartz is good for some 50 parts in a million. */
  constructor(name: string, timeline: Timeline, random: Random) {
    this.name = name;
    this.#timeline = timeline;
    this.#offset = random.between(0, 1e7);
    this.#rate = 1 + random.between(-5e-5, 5e-5);
  }

  /** Ms on this machine's clock. */
  now(): number {
    return this.#offset + this.#timeline.now * this.#rate;
  }

  /** What `ms` of this machine are in true time. */
  trueSpan(ms: number): number {
    return ms / this.#rate;
  }
}

/** Late, as a process that shares its processors is. Part of what the kill margin is for. */
const LATEST_TIMER_MS = 2;

/**
 * A process: it runs, is stopped, or is dead. While it is stopped nothing of it runs, neither timers nor what came in;
 * when it goes on, all that is due runs in any order, one after the other. A blocked event loop is the same thing.
 */
export class Process {
  readonly name: string;
  readonly host: Host;
  readonly #timeline: Timeline;
  readonly #random: Random;
  state: 'running' | 'stopped' | 'dead' = 'running';
  /** Ms that it was stopped for since a timer of it last ran; for the twin without a clock check. */
  unnoticedStop = 0;
  /** Called once, when the next effect is about to go out: a process can be stopped or killed between any two steps. */
  interception: (() => void) | undefined;
  #waiting: (() => void)[] = [];
  #held: (() => void)[] = [];
  #stoppedAt = 0;

  /** Whether its steps leave promises behind, or else are over when they return. */
  readonly #leavesPromises: boolean;

  constructor(name: string, host: Host, timeline: Timeline, random: Random, leavesPromises = true) {
    this.name = name;
    this.#leavesPromises = leavesPromises;
    this.host = host;
    this.#timeline = timeline;
    this.#random = random;
  }

  readonly clock: Clock = {
    now: () => this.host.now(),
    setTimer: (ms, run) => this.#setTimer(ms, run, (step) => this.run(step)),
  };

  /** For what leaves no promises behind when its time has come. */
  readonly briefClock: Clock = {
    now: () => this.host.now(),
    setTimer: (ms, run) => this.#setTimer(ms, run, (step) => this.runBriefly(step)),
  };

  #setTimer(ms: number, run: () => void, due: (step: () => void) => void): Timer {
    const late = this.#random.next() * LATEST_TIMER_MS;
    const happening = this.#timeline.in(this.host.trueSpan(Math.max(0, ms)) + late, () => {
      due(() => {
        this.unnoticedStop = 0;
        if (!happening.cancelled) run();
      });
    });
    return {
      cancel: () => {
        happening.cancelled = true;
      },
    };
  }

  /** A timer is due, or something came in. */
  run(step: () => void): void {
    if (this.state === 'stopped') this.#waiting.push(step);
    if (this.state !== 'running') return;
    step();
    if (this.#leavesPromises) this.settle();
  }

  /** As `run`, for a step that leaves no promises behind: most steps of some clocks do nothing. */
  runBriefly(step: () => void): void {
    if (this.state === 'running') step();
    else this.run(step);
  }

  /** What a brief step has to say when it was none. */
  settle(): void {
    this.#timeline.touchedPromises();
  }

  /** Does something to the outside; when it is stopped in the middle of a step, once it goes on. */
  effect(act: () => void): void {
    const intercept = this.interception;
    this.interception = undefined;
    intercept?.();
    if (this.state === 'stopped') this.#held.push(act);
    else if (this.state === 'running') act();
  }

  stop(): void {
    if (this.state !== 'running') return;
    this.state = 'stopped';
    this.#stoppedAt = this.#timeline.now;
  }

  continue(): void {
    if (this.state !== 'stopped') return;
    this.state = 'running';
    this.unnoticedStop += this.#timeline.now - this.#stoppedAt;
    const held = this.#held;
    this.#held = [];
    for (const act of held) act();
    const waiting = this.#random.shuffle(this.#waiting);
    this.#waiting = [];
    for (const step of waiting) this.#timeline.in(this.#random.next(), () => this.run(step));
  }

  kill(): void {
    this.state = 'dead';
    this.#waiting = [];
    this.#held = [];
    this.#died();
  }

  #died = (): void => {};

  /** The kernel closes what a dead process had open: its peers hear of it. */
  onDeath(closed: () => void): void {
    const before = this.#died;
    this.#died = () => {
      before();
      closed();
    };
  }
}
