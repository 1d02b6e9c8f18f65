/**
 * Where the contenders for a resource have their keys: `/prefix/resource//`. A resource has no empty segment, so that what
 * is under `a//` is never under `a/b`, and `etcdctl get --prefix /lockex/` still reads like a tree.
 */
export function directoryOf(prefix: string, resource: string): string {
  return `${prefix}/${resource}//`;
}

/** The first key that does not begin with `directory`, which ends in a slash: `0` comes after `/`. */
export function endOf(directory: string): string {
  return `${directory.slice(0, -1)}0`;
}

/** A contender's id: so many random hex digits. */
export const ID_LENGTH = 16;

/** A contender's key. */
export function contenderKey(directory: string, id: string): string {
  return directory + id;
}

/** What keeps a permit when its contender is gone: the minimum hold. */
export function holdKey(directory: string, id: string): string {
  return `${directory}${id}-hold`;
}

/** What a key below `directory` is; `undefined` for one that is not ours. */
export function readKey(
  directory: string,
  key: string,
): { readonly id: string; readonly is: 'contender' | 'hold' } | undefined {
  const match = /^([0-9a-f]{16})(-hold)?$/.exec(key.slice(directory.length));
  const [, id, hold] = match ?? [];
  return id === undefined ? undefined : { id, is: hold === undefined ? 'contender' : 'hold' };
}

/** As `etcdctl lease list` shows it. */
export function hexOf(lease: bigint): string {
  return lease.toString(16).padStart(16, '0');
}
