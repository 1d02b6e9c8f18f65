import { delay } from '../../util/abort.js';
import type { Claim } from '../contract.js';
import type { Entry } from './entry.js';
import { cannotLock } from './file-errors.js';
import { boundUntil } from './held.js';
import { type Ended, type HelperProcess, startHelper } from './helper.js';
import { waiterMark } from './keeper.js';
import type { FileSettings } from './settings.js';

/** The slot's descriptor in a process that waits for it. */
const WAITER_FD = 3;

/**
 * Waits until one of the contender's slots is ours, a process a slot. When it returns or throws, none of these
 * processes is left; a slot won beside the first is given back by `Keeper.keep`. A slot that is won while the minimum hold
 * of the one before us keeps it is ours when that has passed, unless another comes before.
 * @returns the slot; `undefined` when somebody killed a process that waited
 */
export async function firstSlot(
  entry: Entry,
  claim: Pick<Claim, 'permits' | 'mode'>,
  settings: FileSettings,
  signal: AbortSignal,
): Promise<number | undefined> {
  signal.throwIfAborted();
  const waiters: HelperProcess[] = [];
  const end = () => {
    for (const { child } of waiters) child.kill('SIGKILL');
  };
  const over = new AbortController();
  const resting = AbortSignal.any([signal, over.signal]);
  const args = [claim.mode === 'shared' ? '-s' : '-x', String(WAITER_FD)];
  /** Nobody stands in line for a slot that is kept: then one whom the hold does not keep out could not come. */
  const win = async (fd: number, slot: number): Promise<Ended & { slot: number }> => {
    await passed(slot);
    const waiter = startHelper('flock', args, ['ignore', 'ignore', fd], settings, waiterMark(entry));
    waiters.push(waiter);
    const ended = await waiter.ended;
    if (ended.code === 0) await passed(slot);
    return { slot, ...ended };
  };
  const passed = async (slot: number): Promise<void> => {
    for (;;) {
      const until = boundUntil(entry.dir, slot, claim, settings);
      if (until === undefined) break;
      await delay(until - settings.clock.now(), settings.clock, resting);
    }
    resting.throwIfAborted();
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    const first = await Promise.race(entry.slotFds.map(win));
    signal.throwIfAborted();
    if (first.code === 0) return first.slot;
    if (first.code === null) return undefined;
    throw cannotLock(entry.dir, first.said);
  } finally {
    signal.removeEventListener('abort', end);
    over.abort();
    end();
    await Promise.allSettled(waiters.map(({ ended }) => ended));
  }
}
