import type { ExitStatus, SignalName } from './child.js';

/**
 * How the command ended, from the two arguments of Node's `exit` event: exactly one of them is set.
 *
 * Not promised: a death by a real-time signal (34 to 64). Node has no names for these and reports such a death
 * as an exit with code 0; the status is gone by the time that we are told.
 */
export function exitStatusOf(code: number | null, signal: SignalName | null): ExitStatus {
  if (signal !== null) return { how: 'killed', signal };
  if (code !== null) return { how: 'exited', code };
  throw new TypeError('a process ended, but Node gave neither an exit code nor a signal');
}
