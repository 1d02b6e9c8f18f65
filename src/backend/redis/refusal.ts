import { ServiceUnreachableError } from '../../util/errors.js';
import type { Attempt } from './contend.js';

/** An attempt that failed, and how it went on. */
export type Refusal = Exclude<Attempt, { how: 'granted' }>;

/** One who does not want to wait, and found a lock that was gone the next moment, asks so often. */
const TRIES = 5;

/** Whether one who does not want to wait has its answer. */
export function isFinal(attempt: Refusal, late: boolean, tries: number): boolean {
  if (attempt.how === 'unreachable') return late;
  return attempt.how === 'young' || attempt.forMs >= 0 || tries >= TRIES;
}

/**
 * The answer to one who does not want to wait: that another holds, or that nobody can say.
 * @throws ServiceUnreachableError when it cannot be said who holds
 */
export function refuse(attempt: Refusal): undefined {
  if (attempt.how === 'held') return undefined;
  if (attempt.how === 'unreachable') throw attempt.error;
  throw new ServiceUnreachableError(youngMessage(attempt), { hint: 'try again then, or wait for the lock' });
}

/** Why a server grants nothing. */
export function youngMessage({ server, forMs }: Extract<Refusal, { how: 'young' }>): string {
  const wait = `it grants none for ${forMs / 1000} s`;
  return `redis at ${server} was just started and may have forgotten a lock that is still held: ${wait}`;
}
