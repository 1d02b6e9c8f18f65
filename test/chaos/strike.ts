import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contender.js';
import type { FaultLog } from './fault-log.js';
import type { FaultKind, Step } from './plan.js';
import type { Witness } from './witness.js';

/** What the faults act on and report to. */
export interface Field {
  readonly contenders: readonly Contender[];
  readonly faults: FaultLog;
  readonly ttlMs: number;
  readonly witness: Pick<Witness, 'isWhole'>;
  /** The holders that were killed, and when. */
  readonly kills: { readonly run: string; readonly at: number }[];
  say(line: string): void;
  violation(what: string): void;
}

/** Waits, or returns at once when all is to be healed. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/** Waits for a condition for so long at most. @returns whether it came true */
export async function within(ms: number, condition: () => boolean, signal?: AbortSignal): Promise<boolean> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end || signal?.aborted === true) return false;
    await sleep(10);
  }
  return true;
}

/** Whom a fault strikes: a holder, waited for a little, or anybody that is there. */
export async function targetOf(
  step: Step,
  field: Field,
  signal: AbortSignal,
): Promise<Contender | undefined> {
  const holders = () => field.contenders.filter((contender) => contender.holds);
  if (step.atHolder) await within(field.ttlMs, () => holders().length > 0, signal);
  const running = field.contenders.filter(({ run }) => run !== undefined && run.lockex.ended === undefined);
  const candidates = step.atHolder && holders().length > 0 ? holders() : running;
  return candidates[Math.floor(step.choice * candidates.length)];
}

/** `c3, which holds`. */
export function nameOf(contender: Contender): string {
  return contender.holds ? `${contender.run?.name}, which holds` : `${contender.run?.name}`;
}

/** Runs the steps one after the other until the signal. */
export async function runLane<Kind extends FaultKind>(
  steps: Iterable<Step<Kind>>,
  strike: (step: Step<Kind>) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (const step of steps) {
    if (signal.aborted) return;
    await strike(step);
    await pause(step.thenMs, signal);
  }
}
