/**
 * The variable by which every process of a tree can be told, whatever became of its parents: the ids of all the
 * runs around it, outermost first, separated by blanks. A process inherits it unless it throws its environment
 * away.
 */
const TREE_VARIABLE = 'LOCKEX_TREE';

/** The environment with `treeId` as the innermost mark; the marks of the runs around us stay. */
export function withMark(env: NodeJS.ProcessEnv, treeId: string): NodeJS.ProcessEnv {
  const outer = env[TREE_VARIABLE];
  return { ...env, [TREE_VARIABLE]: outer ? `${outer} ${treeId}` : treeId };
}

/** What the kernel shows of a process: `undefined` for what we may not read, or when the process is gone. */
export interface Shown {
  readonly environ: string | undefined;
  readonly cmdline: string | undefined;
  /** Whether it runs no more of its own code. */
  readonly exiting: boolean;
}

/** Whether a process carries a mark; `undecided` while nobody can tell. */
export type MarkReading = 'present' | 'absent' | 'undecided';

/**
 * Judges what the kernel shows of a process.
 *
 * Between two programs, in the middle of execve(2), the environment and the command line are both empty: that
 * proves nothing. A process that really has an empty environment has a command line, if only of one NUL. An
 * environment that we may not read counts as one without the mark.
 */
export function judgeMark({ environ, cmdline, exiting }: Shown, treeId: string): MarkReading {
  if (environ === undefined) return 'absent';
  if (environ !== '') return carriesMark(environ, treeId) ? 'present' : 'absent';
  return cmdline === '' && !exiting ? 'undecided' : 'absent';
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
