import { messageOf } from '../../util/errors.js';
import type { Renewal } from '../ttl-lease.js';
import { contend, type Place } from './contend.js';
import type { Keys } from './keys.js';
import type { Master } from './master.js';
import { type Answer, Masters } from './masters.js';
import { RENEW } from './scripts.js';

/**
 * Keeps the lock for another time on all masters. It counts when a majority has said so.
 *
 * A master that has lost its memory meanwhile gets our lock again, as soon as it has been up for long enough to grant:
 * it did not count for this renewal, and counts for the next one. So one may be restarted after the other.
 * @param released aborts when the lock is given back: nothing is brought back then
 * @throws an Error with what the servers threw when too few answered
 */
export async function renewAll(masters: Masters, place: Place, released: AbortSignal): Promise<Renewal> {
  const said = (answers: readonly Answer<unknown>[], word: string) =>
    answers.filter((answer) => 'value' in answer && answer.value === word);
  const lost = (answers: readonly Answer<unknown>[]) =>
    said(answers, 'gone').length + said(answers, 'taken').length > masters.all.length - masters.majority;
  const kept = (answers: readonly Answer<unknown>[]) => said(answers, 'renewed').length >= masters.majority;
  const answers = await masters.ask(
    (master) => renewAt(master, place),
    (some) => kept(some) || lost(some),
  );
  if (kept(answers)) {
    for (const { master } of said(answers, 'gone')) void restore(master, place, released);
    return { how: 'renewed' };
  }
  if (lost(answers)) return { how: 'lost', cause: 'deleted', message: lossMessage(answers, place.keys) };
  const failed = answers.flatMap((answer) => ('error' in answer ? [answer.error] : []));
  throw new Error(failed.map(messageOf).join('; '));
}

function renewAt(master: Master, { keys, owner, ttlMs }: Place): Promise<unknown> {
  return master.run(RENEW, [keys.lock], [owner, Math.ceil(ttlMs)]);
}

async function restore(master: Master, place: Place, released: AbortSignal): Promise<void> {
  await contend(new Masters([master]), { ...place, holdMs: 0 }, false, released).catch(() => {});
}

function lossMessage(answers: readonly Answer<unknown>[], { lock }: Keys): string {
  const found = answers
    .flatMap((answer) => ('value' in answer ? [`${answer.master.name}: ${words(answer.value)}`] : []))
    .join('; ');
  return `the key ${lock} is not ours any more (${found})`;
}

function words(value: unknown): string {
  if (value === 'gone') return 'gone: it was deleted, has expired, or the server has lost its memory';
  return value === 'taken' ? "another's" : 'ours';
}
