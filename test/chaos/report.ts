import type { FaultKind } from './plan.js';

export interface ChaosReport {
  /** What must not happen, and did; empty when all is well. */
  readonly violations: readonly string[];
  readonly grants: number;
  readonly overlaps: readonly { readonly run: string; readonly ms: number }[];
  /** How often each kind of fault happened. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** How often lockex ended in each way. */
  readonly ends: ReadonlyMap<string, number>;
  /** In which nobody held, ms. */
  readonly longestIdleMs: number;
  readonly totalIdleMs: number;
  /** Runs that lost the lock though no fault explains it. */
  readonly needless: readonly string[];
  /** From the kill -9 of a holder's supervisor, ms: until its tree was dead, and until the next command started. */
  readonly kills: readonly { readonly deadMs: number; readonly nextMs: number }[];
  /** From the healing of everything to a holder, ms. */
  readonly recoveredMs: number | undefined;
}

/** The report for people. */
export function summaryLines(report: ChaosReport): string[] {
  const list = (counts: ReadonlyMap<string, number>) =>
    [...counts].sort().map(([what, count]) => `${what} ${count}`);
  const worst = Math.max(0, ...report.overlaps.map(({ ms }) => ms));
  return [
    `grants      ${report.grants}`,
    `faults      ${list(report.faults).join(', ')}`,
    `ends        ${list(report.ends).join(', ')}`,
    `idle        ${seconds(report.longestIdleMs)} at the longest, ${seconds(report.totalIdleMs)} in all`,
    `kill -9     ${killLine(report.kills)}`,
    `recovery    ${report.recoveredMs === undefined ? 'nobody' : `somebody held ${seconds(report.recoveredMs)}`} after all was healed`,
    `needless    ${report.needless.length} losses of the lock that no fault explains${names(report.needless)}`,
    `overlaps    ${report.overlaps.length}, ${worst} ms at the longest`,
    `violations  ${report.violations.length}`,
  ];
}

function killLine(kills: ChaosReport['kills']): string {
  if (kills.length === 0) return 'no holder was struck';
  const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const dead = kills.map(({ deadMs }) => deadMs);
  const next = kills.map(({ nextMs }) => nextMs);
  return (
    `${kills.length} holders: all dead after ${Math.round(middle(dead))} ms (most ${Math.round(Math.max(...dead))}), ` +
    `the next command after ${Math.round(middle(next))} ms (most ${Math.round(Math.max(...next))}, other faults included)`
  );
}

function names(runs: readonly string[]): string {
  return runs.length === 0 ? '' : `: ${runs.join(', ')}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
