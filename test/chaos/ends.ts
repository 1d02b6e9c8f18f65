import type { Ended } from '../helpers/daemon.js';

/** What was done to a run of lockex before it ended. */
export interface Treatment {
  /** SIGKILL to the supervisor. */
  readonly killed: boolean;
  /** Its guardian was killed or frozen. */
  readonly guardianHurt: boolean;
  /** SIGTERM, at the end of all. */
  readonly toldToStop: boolean;
}

/** The statuses with which the commands themselves end (`partOf`). */
const COMMANDS_OWN = [0, 3];
const [UNREACHABLE, BUG, LOST, STOPPED] = [69, 70, 75, 143];

/** Says what is wrong with the way in which a run of lockex has ended, if anything is. */
export function unexpectedEnd({ code, signal }: Ended, treatment: Treatment): string | undefined {
  if (signal === 'SIGKILL' && treatment.killed) return undefined;
  // Before it could say what SIGTERM means to it.
  if (signal === 'SIGTERM' && treatment.toldToStop) return undefined;
  if (signal !== null || code === null) return `died of ${signal}`;
  if ([...COMMANDS_OWN, LOST, UNREACHABLE].includes(code)) return undefined;
  if (code === BUG && treatment.guardianHurt) return undefined;
  if (code === STOPPED && treatment.toldToStop) return undefined;
  return `ended with status ${code}`;
}

/** Whether the run lost its lock, as it says itself. */
export function lostItsLock({ code }: Ended): boolean {
  return code === LOST;
}
