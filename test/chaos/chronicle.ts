import type { ChaosRun, ContenderEvents } from './contender.js';
import type { FaultLog } from './fault-log.js';
import type { Tree, WitnessEvents } from './witness.js';

/** Tells what happens, as it happens, and keeps what the report needs. */
export class Chronicle implements WitnessEvents, ContenderEvents {
  readonly violations: string[] = [];
  /** How often lockex ended in each way. */
  readonly ends = new Map<string, number>();
  /** When each run of lockex was started, `performance.now()` ms. */
  readonly births = new Map<string, number>();
  readonly #commands = new Map<string, string>();
  /** Losses of the lock that no fault explains. */
  readonly needless: string[] = [];
  readonly #startedAt = performance.now();

  /** @param rideOutMs a silence of which every holder survives */
  constructor(
    private readonly out: (line: string) => void,
    private readonly faults: FaultLog,
    private readonly ttlMs: number,
    private readonly rideOutMs: number,
  ) {}

  say(line: string): void {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    this.out(`${seconds.toFixed(3).padStart(8)}  ${line}`);
  }

  violation(what: string): void {
    this.violations.push(what);
    this.say(`VIOLATION: ${what}`);
  }

  born(run: ChaosRun): void {
    this.births.set(run.name, run.bornAt);
    this.#commands.set(run.name, run.command);
  }

  ended(run: ChaosRun, how: string, lost: boolean, reason: string | undefined): void {
    this.ends.set(how, (this.ends.get(how) ?? 0) + 1);
    const contender = run.name.replace(/#.*/, '');
    const explained = !lost || this.faults.explains(contender, performance.now(), this.ttlMs, this.rideOutMs);
    if (!explained) this.needless.push(run.name);
    this.say(
      `${run.name} ended: ${how}${explained ? '' : ', and no fault explains it'}${reason === undefined ? '' : ` (${reason})`}`,
    );
  }

  started(tree: Tree): void {
    this.say(`  ${tree.run} holds, token ${tree.token}, command ${this.#commands.get(tree.run)}`);
  }

  treeEnded(tree: Tree): void {
    const heldMs = Math.round((tree.endedAt ?? 0) - tree.startedAt);
    this.say(`  ${tree.run}: all dead, after ${heldMs} ms`);
  }

  overlap(run: string): void {
    this.violation(`${run} was started while every permit was taken`);
  }
}
