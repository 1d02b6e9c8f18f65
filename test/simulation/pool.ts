import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import type { Weakening } from './rules.js';
import type { Row, RowResult } from './worker.js';

/** Which schedules to run. */
export interface Simulation {
  readonly from: number;
  readonly count: number;
  readonly weakening?: Weakening;
  /** Ends it early, when it says so of what was found so far. */
  readonly enough?: (result: RowResult) => boolean;
  readonly onProgress?: (result: RowResult) => void;
}

const ROW = 250;

/** Runs schedules on all processors, one after the other on each. */
export async function simulate(simulation: Simulation): Promise<RowResult> {
  const { from, count, weakening, enough, onProgress } = simulation;
  const code = await bundle();
  let next = from;
  let total: RowResult = { count: 0, starts: 0, closest: Number.POSITIVE_INFINITY, broken: [] };
  const work = async () => {
    const worker = new Worker(code, { eval: true, resourceLimits: { maxYoungGenerationSizeMb: 64 } });
    try {
      while (next < from + count && enough?.(total) !== true) {
        const row: Row = { from: next, count: Math.min(ROW, from + count - next), weakening };
        next += row.count;
        worker.postMessage(row);
        // The worker's own protocol: it answers each row with one result.
        const [result] = (await once(worker, 'message')) as [RowResult];
        total = sum(total, result);
        onProgress?.(total);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return total;
}

function sum(a: RowResult, b: RowResult): RowResult {
  return {
    count: a.count + b.count,
    starts: a.starts + b.starts,
    closest: Math.min(a.closest, b.closest),
    broken: [...a.broken, ...b.broken].sort((one, other) => one.seed - other.seed),
  };
}

/** One file, made anew each time: a loader that compiles as it goes takes a third of the speed. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'worker.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    write: false,
    logLevel: 'error',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild made nothing of worker.ts');
  return file.text;
}
