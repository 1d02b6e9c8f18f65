import { delay } from '../../util/abort.js';
import type { Claim } from '../contract.js';
import type { Entry } from './entry.js';
import { fingerprint, look } from './look.js';
import type { FileSettings } from './settings.js';

/** News of other contenders may be this late: it is for people to read. */
const LOOK_EVERY_MS = 1000;

/** Tells a waiter who contends, now and on every change, until `over` aborts. Rejects only if `onQueue` throws. */
export async function tell(
  entry: Entry,
  onQueue: Claim['onQueue'],
  settings: FileSettings,
  over: AbortSignal,
): Promise<void> {
  if (onQueue === undefined) return;
  while (!over.aborted) {
    const seen = fingerprint(entry.dir, settings);
    const contenders = await look(entry.dir, (note) => note === entry.noteName, settings);
    if (over.aborted) return;
    onQueue(contenders);
    do {
      await delay(LOOK_EVERY_MS, settings.clock, over).catch(() => {});
    } while (!over.aborted && fingerprint(entry.dir, settings) === seen);
  }
}
