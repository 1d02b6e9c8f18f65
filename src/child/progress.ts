import type { Member, Pass } from './tree.js';

/** A look that finds nobody is repeated, since a process can be forked behind its back: this many in a row are proof. */
const CLEAN_LOOKS = 2;
/** Milliseconds before the next look: after something new was seen, and at most. */
const SHORTEST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** How far the end of a tree has come. */
export interface Progress {
  /** Whether the tree is proven gone. */
  readonly gone: boolean;
  /** Looks in a row that found no member. */
  readonly clean: number;
  /** Processes seen during the clean looks that may yet turn out to be members. */
  readonly pending: ReadonlySet<string>;
  readonly members: ReadonlySet<string>;
  /** How long to wait before the next look, ms. */
  readonly pauseMs: number;
}

/** Before the first look. */
export const NO_PROGRESS: Progress = {
  gone: false,
  clean: 0,
  pending: new Set(),
  members: new Set(),
  pauseMs: SHORTEST_PAUSE_MS,
};

/**
 * What a pass over the tree adds.
 * @param ended whether the command itself has been reaped: until then nothing is over
 */
export function progressAfter(before: Progress, pass: Pass, ended: boolean): Progress {
  const members = keysOf(pass.members);
  const undecided = keysOf(pass.undecided);
  const clean = members.size === 0 && ended ? before.clean + 1 : 0;
  const pending = new Set(clean === 0 ? [] : [...before.pending].filter((key) => undecided.has(key)));
  // On a busy host somebody is always between two programs. Only those count that were so in a look that the
  // proof rests on.
  if (clean > 0 && clean <= CLEAN_LOOKS) for (const key of undecided) pending.add(key);
  const somethingNew = clean === 1 || [...members].some((key) => !before.members.has(key));
  return {
    // One more look after the last of them was told: it may have left a child.
    gone: clean >= CLEAN_LOOKS && pending.size === 0 && before.pending.size === 0,
    clean,
    pending,
    members,
    pauseMs: somethingNew ? SHORTEST_PAUSE_MS : Math.min(before.pauseMs * 2, LONGEST_PAUSE_MS),
  };
}

function keysOf(processes: readonly Member[]): ReadonlySet<string> {
  return new Set(processes.map((one) => `${one.pid} ${one.startTime}`));
}
