import { kill } from 'node:process';
import { codeOf } from '../util/errors.js';
import type { SignalName } from './child.js';

/**
 * Sends a signal to a process, or to the group `-target`; 0 sends none and only asks. That the target is gone or
 * belongs to another user is no error: the next look tells who is still there.
 * @returns whether there is such a process or group; a zombie counts
 * @throws RangeError for 0 (our own group), -1 (everybody) and 1, which are never meant
 */
export function send(target: number, signal: SignalName | 0): boolean {
  if (!Number.isInteger(target) || Math.abs(target) <= 1)
    throw new RangeError(`expected the number of a process or a group, got ${target}`);
  try {
    return kill(target, signal);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EPERM') return true;
    if (code === 'ESRCH') return false;
    throw error;
  }
}
