import type { Contender } from '../backend/contract.js';
import type { Job } from '../supervisor/job.js';
import { printable, SHOWN_COMMAND, showWords } from '../util/words.js';
import type { Settings } from './settings.js';

/** What a job takes from the process besides its settings. */
export interface Surroundings {
  readonly host: string;
  readonly pid: number;
  readonly env: NodeJS.ProcessEnv;
  readonly onQueue: (contenders: readonly Contender[]) => void;
  readonly describe: (contenders: readonly Contender[]) => string;
}

/** The job that the settings describe. */
export function jobOf(settings: Settings, { host, pid, env, onQueue, describe }: Surroundings): Job {
  const { command, resource, permits, mode, lossGraceMs, holdMs, handoverDelayMs } = settings;
  const { lockId, waiting, attempts, stopSignal, killAfterMs } = settings;
  const shown = printable(showWords([command.file, ...command.args]), SHOWN_COMMAND);
  return {
    claim: {
      resource,
      permits,
      mode,
      identity: { host, pid, command: shown },
      // Who does not wait has no place in line to be told of.
      ...(waiting.how === 'once' ? {} : { onQueue }),
      ...(lossGraceMs === undefined ? {} : { lossGraceMs }),
      ...(holdMs === 0 ? {} : { holdMs }),
      ...(handoverDelayMs === 0 ? {} : { handoverDelayMs }),
    },
    lockId,
    waiting,
    attempts,
    command,
    env,
    stopSignal,
    killAfterMs,
    describe,
  };
}
