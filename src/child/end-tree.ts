import { aborted, delay } from '../util/abort.js';
import type { Clock } from '../util/clock.js';
import { messageOf } from '../util/errors.js';
import type { Log } from '../util/log.js';
import type { SignalName } from './child.js';
import { NO_PROGRESS, type Progress, progressAfter } from './progress.js';
import { complainOf } from './survivors.js';
import type { Pass, Tree } from './tree.js';

/** While a tree cannot be killed, the log says so this often. */
const COMPLAIN_EVERY_MS = 3_000;

/** A tree that is to end. */
export interface Ending {
  readonly tree: Tree;
  readonly stopSignal: SignalName;
  /** Aborts when the command itself has been reaped. */
  readonly ended: AbortSignal;
  /** Aborts when patience is over: from then on it is SIGKILL. */
  readonly hurry: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Ends a tree; resolves when it is proven gone, never rejects.
 *
 * The stop signal goes out once: what the command starts to clean up with is not to be hit by it. SIGCONT goes
 * after it, since a stopped process acts on nothing else. While the command lives and there is patience, nothing
 * is polled.
 */
export async function endTree(ending: Ending): Promise<void> {
  const { tree, stopSignal, ended, hurry, clock, log } = ending;
  const complaint = new Complaint(clock, log);
  let progress = NO_PROGRESS;
  let signals: readonly SignalName[] = [stopSignal, 'SIGCONT'];
  for (;;) {
    if (hurry.aborted) signals = ['SIGKILL'];
    const pass = await tree.sweep(...signals).catch((error: unknown) => messageOf(error));
    progress = typeof pass === 'string' ? unseen(progress) : progressAfter(progress, pass, ended.aborted);
    if (progress.gone) return;
    if (hurry.aborted) complaint.consider(pass);

    signals = [];
    if (!hurry.aborted && !ended.aborted) await Promise.race([aborted(hurry), aborted(ended)]);
    else if (hurry.aborted) await delay(progress.pauseMs, clock);
    // The end of patience cuts the pause short, that is all.
    else await delay(progress.pauseMs, clock, hurry).catch(() => {});
  }
}

/** A pass that could not look has seen nothing, and proves nothing. */
function unseen(before: Progress): Progress {
  return progressAfter(before, { members: [], undecided: [] }, false);
}

/** Says, every few seconds, that the tree cannot be killed. */
class Complaint {
  readonly #clock: Clock;
  readonly #log: Log;
  #due: number | undefined;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @param pass what was found in spite of SIGKILL, or why nothing could be */
  consider(pass: Pass | string): void {
    const now = this.#clock.now();
    this.#due ??= now + COMPLAIN_EVERY_MS;
    if (now < this.#due) return;
    this.#due = now + COMPLAIN_EVERY_MS;
    complainOf(typeof pass === 'string' ? pass : [...pass.members, ...pass.undecided], this.#log);
  }
}
