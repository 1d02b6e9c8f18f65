import { parentPort } from 'node:worker_threads';
import type { Weakening } from './rules.js';
import { run } from './schedule.js';
import type { BrokenPromise } from './witness.js';

/** A row of schedules for one worker: seeds `from`, `from + 1`, … */
export interface Row {
  readonly from: number;
  readonly count: number;
  readonly weakening: Weakening | undefined;
}

/** What a row of schedules showed. */
export interface RowResult {
  readonly count: number;
  readonly starts: number;
  readonly closest: number;
  readonly broken: readonly {
    readonly seed: number;
    readonly promise: BrokenPromise;
    readonly how: string;
  }[];
}

// Nobody reads the stacks of errors that are foreseen, and there are many. A replay has them.
Error.stackTraceLimit = 0;

parentPort?.on('message', async (row: Row) => {
  const broken: RowResult['broken'][number][] = [];
  let starts = 0;
  let closest = Number.POSITIVE_INFINITY;
  for (let seed = row.from; seed < row.from + row.count; seed += 1) {
    const verdict = await run(seed, row.weakening);
    for (const [promise, how] of verdict.broken) broken.push({ seed, promise, how });
    starts += verdict.starts;
    closest = Math.min(closest, verdict.closest);
  }
  const result: RowResult = { count: row.count, starts, closest, broken };
  parentPort?.postMessage(result);
});
