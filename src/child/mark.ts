import { isExiting, type ProcessFacts } from './process-facts.js';

/**
 * The variable by which every process of a tree can be told, whatever became of its parents: the ids of all the
 * runs around it, outermost first, separated by blanks. A process inherits it unless it throws its environment
 * away.
 */
export const TREE_VARIABLE = 'LOCKEX_TREE';

/** The environment with `treeId` as the innermost mark; the marks of the runs around us stay. */
export function withMark(env: NodeJS.ProcessEnv, treeId: string): NodeJS.ProcessEnv {
  const outer = env[TREE_VARIABLE];
  return { ...env, [TREE_VARIABLE]: outer ? `${outer} ${treeId}` : treeId };
}

/** Whether a process carries a mark; `undecided` while nobody can tell. */
export type MarkReading = 'present' | 'absent' | 'undecided';

/** What one look at a process showed. */
export interface Shown {
  /** As read; `undefined` when it cannot be, or the process is gone. */
  readonly environ: string | undefined;
  /** Looked up after that, if it read as empty; `undefined` when the process is gone. */
  readonly facts: Pick<ProcessFacts, 'flags' | 'environBytes'> | undefined;
}

/** So many looks that show an empty environment are proof of it. */
export const LOOKS = 3;

/**
 * Judges what the kernel showed of a process, one look after the other.
 *
 * Between two programs, in the middle of execve(2), the environment reads as empty, and so it does when it was
 * opened before and is read after: that proves nothing. One that is really empty has the size 0; but for an instant
 * one that is being set up has that, too (seen once in a thousand such reads), so that it counts only when nothing
 * else was seen. An environment that we may not read counts as one without the mark.
 */
export function judgeMark(looks: readonly Shown[], treeId: string): MarkReading {
  for (const { environ, facts } of looks) {
    if (environ === undefined || facts === undefined) return 'absent';
    if (environ !== '') return carriesMark(environ, treeId) ? 'present' : 'absent';
    // Its memory is gone, and it runs no more.
    if (isExiting(facts)) return 'absent';
  }
  const empty = looks.filter(({ facts }) => facts?.environBytes === 0).length;
  return empty === LOOKS ? 'absent' : 'undecided';
}

/** Whether an environment as the kernel shows it (`NAME=value`, each ended by a NUL) carries this mark. */
export function carriesMark(environ: string, treeId: string): boolean {
  const prefix = `${TREE_VARIABLE}=`;
  return (
    environ.includes(treeId) &&
    environ
      .split('\0')
      .some((entry) => entry.startsWith(prefix) && entry.slice(prefix.length).split(' ').includes(treeId))
  );
}
