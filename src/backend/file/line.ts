import type { Claim } from '../contract.js';
import type { Entry } from './entry.js';
import { cannotLock } from './file-errors.js';
import { type HelperProcess, startHelper } from './helper.js';
import { waiterMark } from './keeper.js';
import type { FileSettings } from './settings.js';

/** The slot's descriptor in a process that waits for it. */
const WAITER_FD = 3;

/**
 * Waits until one of the contender's slots is ours, a process a slot. When it returns or throws, none of these
 * processes is left; a slot won beside the first is given back by `Keeper.keep`.
 * @returns the slot; `undefined` when somebody killed a process that waited
 */
export async function firstSlot(
  entry: Entry,
  mode: Claim['mode'],
  settings: FileSettings,
  signal: AbortSignal,
): Promise<number | undefined> {
  signal.throwIfAborted();
  const waiters: HelperProcess[] = [];
  const end = () => {
    for (const { child } of waiters) child.kill('SIGKILL');
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    const args = [mode === 'shared' ? '-s' : '-x', String(WAITER_FD)];
    for (const fd of entry.slotFds) {
      waiters.push(startHelper('flock', args, ['ignore', 'ignore', fd], settings, waiterMark(entry)));
    }
    const first = await Promise.race(waiters.map(async ({ ended }, slot) => ({ slot, ...(await ended) })));
    signal.throwIfAborted();
    if (first.code === 0) return first.slot;
    if (first.code === null) return undefined;
    throw cannotLock(entry.dir, first.said);
  } finally {
    signal.removeEventListener('abort', end);
    end();
    await Promise.allSettled(waiters.map(({ ended }) => ended));
  }
}
