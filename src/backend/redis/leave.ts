import { delay } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import { leaveAt, type Place } from './contend.js';
import type { Answer, Masters } from './masters.js';

/** Between two attempts to give a lock back, ms. */
const AGAIN_MS = 100;

/**
 * Takes ours away on a majority. A lock that cannot be given back is tried again until it has ended by itself. Who only
 * leaves the waiters tries once: with what it may have been granted without knowing, it ends by itself, too. Never rejects.
 * @param hurry aborts when nobody wants to wait for that any more
 */
export async function leaveAll(
  masters: Masters,
  place: Place,
  how: 'release' | 'cancel',
  clock: Clock,
  hurry: AbortSignal,
): Promise<void> {
  const endsAt = clock.now() + place.ttlMs;
  const isDone = (answers: readonly Answer<void>[]) =>
    answers.filter((answer) => 'value' in answer).length >= masters.majority;
  for (;;) {
    const answers = await masters.ask((master) => leaveAt(master, place, how), isDone);
    if (isDone(answers) || how === 'cancel' || hurry.aborted || clock.now() >= endsAt) return;
    await delay(AGAIN_MS, clock, hurry).catch(() => {});
  }
}
