import { until } from '../../src/testing/until.js';
import { alive, describeProcesses, killAllWithEnv } from '../../test/helpers/processes.js';
import type { Run } from '../../test/helpers/run.js';
import type { Witness } from './witness.js';

/**
 * Ends the second holder as an operator would; then nothing of either may be alive.
 * @param family what the two had started before the fault, guardians included
 */
export async function leftOver(
  witness: Witness,
  [holder, next]: readonly [Run, Run],
  family: readonly number[],
): Promise<string> {
  const survivors = witness.living('holder');
  next.kill('SIGTERM');
  const left = () => [
    ...new Set([...witness.living('next'), ...holder.tree(), ...next.tree(), ...family.filter(alive)]),
  ];
  await until(() => left().length === 0, 'all has ended').catch(() => {});
  return describeProcesses([...new Set([...survivors, ...left()])]);
}

/** Kills a runner and what it started, by pid. */
export async function end(it: Run, witness: Witness): Promise<void> {
  it.kill('SIGKILL');
  await it.exited;
  await witness.killAll();
  await killAllWithEnv(it.mark);
  await it[Symbol.asyncDispose]();
}
