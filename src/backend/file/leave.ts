import type { Entry } from './entry.js';
import { type HelperProcess, startHelper } from './helper.js';
import type { Keeper } from './keeper.js';
import { SWEEP } from './scripts.js';
import type { FileSettings } from './settings.js';

/** A process that has not ended by itself after this long is stopped, or starved: it is killed. */
const PATIENCE_MS = 2000;

/**
 * Gives everything back: the slot, the note, and the directory if nobody else is there. Does not reject. At its
 * end no process of the contender's is left, and its locks are free; what a failed cleaning left behind is taken
 * for nobody's by the next who comes.
 */
export async function leave(
  entry: Entry,
  keeper: Keeper,
  slot: number | undefined,
  settings: FileSettings,
): Promise<void> {
  const { dir, noteName } = entry;
  const patience = settings.clock.setTimer(PATIENCE_MS, () => {
    settings.log.warn({ pid: keeper.pid }, 'the process that keeps the lock does not end; killing it');
    keeper.kill();
  });
  entry.close();
  const clean = await keeper.leave(slot);
  patience.cancel();
  if (!clean) await sweep(dir, noteName, settings);
}

async function sweep(dir: string, noteName: string, settings: FileSettings): Promise<void> {
  let helper: HelperProcess;
  try {
    helper = startHelper(
      '/bin/sh',
      ['-c', SWEEP, 'lockex-sweep', dir, noteName, settings.boot],
      ['ignore', 'ignore'],
      settings,
    );
  } catch {
    // No process to be had: the next who comes will clean up.
    return;
  }
  const patience = settings.clock.setTimer(PATIENCE_MS, () => helper.child.kill('SIGKILL'));
  await helper.ended.catch(() => {});
  patience.cancel();
}
