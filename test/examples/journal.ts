import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** A stretch of time in which an instance led, as it says itself; ms since 1970, of this host. */
export interface Stretch {
  readonly instance: string;
  readonly token: string | null;
  readonly from: number;
  readonly to: number;
}

/** The journal so far; a last line that is being written is not there yet. */
export function readJournal(path: string): Stretch[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // Nobody has led yet.
  }
  // job.mjs writes exactly this.
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Stretch);
}

/** Pairs of stretches of different instances that were at once. */
export function overlaps(journal: readonly Stretch[]): (readonly [Stretch, Stretch])[] {
  const found: (readonly [Stretch, Stretch])[] = [];
  // By their beginning: what overlaps any earlier one overlaps the one of those that ends last.
  let last: Stretch | undefined;
  for (const next of [...journal].sort((one, other) => one.from - other.from)) {
    if (last !== undefined && last.instance !== next.instance && next.from < last.to)
      found.push([last, next]);
    if (last === undefined || next.to >= last.to) last = next;
  }
  return found;
}

/** Nobody led beside another, from the first stretch to the last. */
export function assertNoOverlap(journal: string): void {
  assert.deepEqual(overlaps(readJournal(journal)), []);
}
