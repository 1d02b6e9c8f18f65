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
