import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { until } from '../../src/testing/until.js';
import type { Lockex } from '../helpers/lockex.js';
import { alive, argvOf, childrenOf, describeProcesses } from '../helpers/processes.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { run, running } from './stage.js';

/**
 * A command that takes a kernel lock on an open file which its whole tree inherits: the lock is free when the last process
 * of the tree is gone, and not before. Its first act tells whether it is alone: one that is not says `overlap`.
 *
 * `$1` is how it locks (-x, -s), the rest are files, of which it needs one (as many as there are permits). It ignores
 * SIGTERM, and so does the daemon that it leaves, in a session of its own and without a parent.
 */
const SCRIPT = `
mode=$1; shift; got=
for file; do exec 9>>"$file"; if flock -n $mode 9; then got=yes; break; fi; done
[ $got ] || { echo overlap; exec 9>&-; }
trap '' TERM INT HUP
setsid -f sh -c 'trap "" TERM INT HUP; echo daemon $$; while :; do sleep 0.1; done'
echo ready $$
while :; do sleep 0.1; done`;

/** The witness as a command line. */
export type Witness = readonly string[];

/** A witness for `permits` that are held at once. */
export async function witness(t: TestContext, permits = 1, mode: '-x' | '-s' = '-x'): Promise<Witness> {
  const dir = await scope(t).use(tempDir('witness'));
  const files = Array.from({ length: permits }, (_, number) => dir.join(`permit-${number}`));
  return ['sh', '-c', SCRIPT, 'witness', mode, ...files];
}

/** The same witness, locked otherwise: a reader's. */
export function reading([shell = '', flag = '', script = '', name = '', , ...files]: Witness): Witness {
  return [shell, flag, script, name, '-s', ...files];
}

/** The guardian of a supervisor, whichever of the two it is. */
export function guardianOf(supervisor: number): number | undefined {
  return childrenOf(supervisor).find((pid) => argvOf(pid).some((word) => /guardian\.(pl|cjs)$/.test(word)));
}

/** A run whose command is up, with what has to be gone before the next one starts. */
export interface Holder {
  readonly it: Lockex;
  /** The command and its daemon. */
  readonly tree: readonly number[];
  readonly guardian: number;
}

/** Starts a run of the witness and waits until its whole tree is up. */
export async function hold(
  t: TestContext,
  address: string,
  options: readonly string[],
  command: Witness,
): Promise<Holder> {
  return holderOf(await run(t, address, options, command));
}

/** Waits until the witness in a run is up, whole. */
export async function holderOf(it: Lockex): Promise<Holder> {
  const pid = await running(it);
  const daemon = await until(() => /^daemon (\d+)$/m.exec(it.stdout)?.[1], 'the daemon is up');
  const guardian = guardianOf(it.pid);
  assert.ok(guardian, 'a guardian is there');
  return { it, tree: [pid, Number(daemon)], guardian };
}

/** Waits until the next run has started its command; fails if anything of the last holder's was alive then. */
export async function takesOver(next: Lockex, last: Holder): Promise<void> {
  await running(next);
  const survivors = last.tree.filter(alive);
  assert.deepEqual(survivors, [], `alive: ${describeProcesses(survivors)}`);
  assertAlone(next);
}

/** The witness saw nobody. */
export function assertAlone(...runs: readonly Lockex[]): void {
  for (const it of runs) assert.doesNotMatch(it.stdout, /overlap/);
}

/** Nothing is left of a holder: neither of its tree, nor its guardian. */
export async function assertGone(last: Holder): Promise<void> {
  await last.it.expectNoStray(5000);
  await until(() => !alive(last.guardian), 'the guardian has gone');
}

/** The one line of level error that a run has logged, and no stack trace. */
export function assertOneError(it: Lockex, pattern: RegExp): void {
  const errors = it.logs.filter((line) => line['level'] === 'error');
  assert.equal(errors.length, 1, it.stderr);
  assert.match(String(errors[0]?.['msg']), pattern);
  assert.doesNotMatch(it.stderr, /\n\s+at /);
}
