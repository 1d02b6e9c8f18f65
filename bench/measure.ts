import { execFile } from 'node:child_process';

/** Wall clock in milliseconds with the resolution of the monotonic clock: comparable with `date +%s%N`. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Runs a program to its end. @returns milliseconds it took, and what it wrote */
export function timed(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ startedAt: number; tookMs: number; stdout: string }> {
  const startedAt = wallMs();
  return new Promise((resolve, reject) => {
    execFile(file, args, { env }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${file} ${args.join(' ')}: ${stderr}`, { cause: error }));
      else resolve({ startedAt, tookMs: wallMs() - startedAt, stdout });
    });
  });
}

/** The middle of what was measured, and its extremes. */
export function summary(values: readonly number[]): { min: number; median: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))] ?? Number.NaN;
  return { min: at(0), median: at(0.5), max: at(1) };
}

/** One line of a table. */
export function row(what: string, values: readonly number[], unit = 'ms'): string {
  const { min, median, max } = summary(values);
  return `${what.padEnd(58)} ${[min, median, max].map((value) => value.toFixed(1).padStart(8)).join('')} ${unit}`;
}
