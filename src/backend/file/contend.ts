import { orAborted } from '../../util/abort.js';
import { LockexError, ServiceUnreachableError } from '../../util/errors.js';
import { kindOf, wrongKind } from '../claim.js';
import type { Claim } from '../contract.js';
import { Entry } from './entry.js';
import { fileError } from './file-errors.js';
import { Keeper } from './keeper.js';
import { FileLease } from './lease.js';
import { leave } from './leave.js';
import { firstSlot } from './line.js';
import type { FileSettings } from './settings.js';
import { tell } from './telling.js';

/** One starts over when the files were cleaned away as one came. This often, somebody does it on purpose. */
const MOST_STARTS = 100;

/** What a contender is handed by its session. */
export interface Contention {
  readonly root: string;
  readonly claim: Claim;
  /** Whether not to wait. */
  readonly once: boolean;
  /** The session's contenders, by their notes, with the leases of those that hold. */
  readonly own: Map<string, FileLease | undefined>;
  readonly settings: FileSettings;
  readonly signal: AbortSignal;
}

/** Contends until there is a lease, or none to be had without waiting: `undefined`. */
export async function contend(contention: Contention): Promise<FileLease | undefined> {
  const { root, claim, signal } = contention;
  for (let start = 0; start < MOST_STARTS; start += 1) {
    signal.throwIfAborted();
    const entry = openEntry(root, claim);
    const result = entry === undefined ? 'start over' : await enter(entry, contention);
    if (result !== 'start over') return result;
  }
  throw new ServiceUnreachableError(`the files of ${claim.resource} in ${root} were removed again and again`);
}

function openEntry(root: string, claim: Claim): Entry | undefined {
  try {
    return Entry.open(root, claim);
  } catch (error) {
    throw fileError(root, error);
  }
}

async function enter(entry: Entry, contention: Contention): Promise<FileLease | undefined | 'start over'> {
  const { claim, once, own, settings, signal } = contention;
  const keeper = new Keeper(entry, claim, once, settings);
  own.set(entry.noteName, undefined);
  const leaving = async (slot: number | undefined) => {
    await leave(entry, keeper, slot, settings);
    own.delete(entry.noteName);
  };
  let slot: number | undefined;
  try {
    const cameIn = await orAborted(keeper.cameIn, signal);
    if (cameIn.how === 'wrong-kind') {
      throw wrongKind(claim.resource, cameIn.found, kindOf(claim));
    }
    if (cameIn.how === 'held') slot = cameIn.slot;
    if (cameIn.how === 'waiting') {
      const won = await waitInLine(entry, keeper, contention);
      if (won !== undefined && (await orAborted(keeper.keep(won), signal))) slot = won;
    }
    if (slot === undefined || !standsWithHold(entry, slot, contention)) {
      entry.unmarkHeld();
      await leaving(slot);
      return cameIn.how === 'busy' ? undefined : 'start over';
    }
    entry.hold(slot);
    const lease = new FileLease(entry, keeper, claim, settings, slot, leaving);
    own.set(entry.noteName, lease);
    return lease;
  } catch (error) {
    entry.unmarkHeld();
    await leaving(slot);
    throw error instanceof LockexError || signal.aborted ? error : fileError(entry.dir, error);
  }
}

/** Begins the minimum hold; the answer is whether our files are still the ones that all others see. */
function standsWithHold(entry: Entry, slot: number, { claim, settings }: Contention): boolean {
  if (!entry.isCurrent(slot)) return false;
  entry.markHeld(slot, claim, settings);
  return entry.isCurrent(slot);
}

/** The slot that was won; `undefined` when the keeper or a process that waited was killed. */
async function waitInLine(
  entry: Entry,
  keeper: Keeper,
  { claim, settings, signal }: Contention,
): Promise<number | undefined> {
  const over = new AbortController();
  const unkept = new AbortController();
  keeper.gone.then(() => unkept.abort());
  const slot = firstSlot(entry, claim, settings, AbortSignal.any([signal, unkept.signal]));
  const telling = tell(entry, claim.onQueue, settings, over.signal);
  try {
    return await slot;
  } catch (error) {
    if (unkept.signal.aborted && !signal.aborted) return undefined;
    throw error;
  } finally {
    over.abort();
    await telling;
  }
}
