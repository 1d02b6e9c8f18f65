import { childrenOf, descendants, statOf } from '../../test/helpers/processes.js';
import { Scope } from '../../test/helpers/scope.js';
import { end, leftOver } from './aftermath.js';
import type { Fault } from './faults.js';
import { gapMs, overlapMs } from './overlap.js';
import type { Stage } from './stage.js';
import { monotonicMs, Witness } from './witness.js';

/** How long after the takeover it is looked, and when a fault that ends does so, ms. */
export const LOOK_MS = 3_000;
const LIFT_MS = 1_500;
/** More than any takeover takes: a session timeout and a tick, and a machine that is busy. */
const TAKEOVER_LIMIT_MS = 20_000;

/** What one round showed. */
export interface Outcome {
  /** How long processes of both holders were alive together, ms. */
  readonly overlapMs: number;
  /** From the fault to the begin of the next holder's command, ms. */
  readonly nextMs: number;
  /** From the death of the first tree to that begin, ms; below 0 when they overlap. */
  readonly gapMs: number;
  /** What was alive at the end and should not have been, in words; empty when all was well, or not looked at. */
  readonly left: string;
}

/** The process between the holder and its command, or else the one beside the command. */
function guardianOf(supervisor: number, command: number): number {
  const parent = statOf(command)?.parent;
  const pid = parent === supervisor ? childrenOf(supervisor).find((child) => child !== command) : parent;
  if (pid === undefined) throw new Error('there is no guardian');
  return pid;
}

/**
 * One holder, one in line, one fault. Whatever comes of it, nothing is left afterwards.
 * @param ours whether the runner is to end on SIGTERM, and to leave nothing; what others leave is only killed
 */
export async function round(fault: Fault, stage: Stage, lock: string, ours: boolean): Promise<Outcome> {
  const started = new Scope();
  try {
    const witness = await started.use(Witness.open());
    const contend = async (place: 'holder' | 'next') => {
      const shape = place === 'holder' ? fault.shape : 'plain';
      const it = await stage.contend(place, lock, witness.command(place, shape));
      started.use({ [Symbol.asyncDispose]: () => end(it, witness) });
      return it;
    };
    const holder = await contend('holder');
    const command = await witness.heard('holder', 'ready').catch((cause: unknown) => {
      throw new Error(`the holder's command did not start: ${holder.stderr}`, { cause });
    });
    if (fault.shape !== 'plain') await witness.heard('holder', 'daemon');
    const next = await contend('next');
    await stage.inLine(next, lock);

    const guardian = () => guardianOf(holder.pid, command.pid);
    const scene = { stage, holder, guardian, go: witness.go };
    const family = [...descendants(holder.pid), ...descendants(next.pid)];
    const inflictedAt = monotonicMs();
    await fault.inflict(scene);
    const takeover = await witness.heard('next', 'begin', TAKEOVER_LIMIT_MS);
    if (takeover.at < inflictedAt) throw new Error('the next holder began before the fault');
    await passed(takeover.at + LIFT_MS);
    fault.lift?.(scene);
    await passed(takeover.at + LOOK_MS);

    const [first, second] = [witness.lives('holder'), witness.lives('next')];
    return {
      overlapMs: overlapMs(first, second, takeover.at + LOOK_MS),
      nextMs: takeover.at - inflictedAt,
      gapMs: gapMs(first, second),
      left: ours ? await leftOver(witness, [holder, next], family) : '',
    };
  } finally {
    stage.heal();
    await started.end();
  }
}

/** The time between two events is what is measured: nothing to wait for but the clock. */
async function passed(at: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - monotonicMs())));
}
