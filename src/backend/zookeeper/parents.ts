import { failedWith } from './operation-error.js';
import type { Session } from './session.js';

/**
 * Makes sure that a persistent node exists, and its parents, a chroot included. Begins at the deepest, so that
 * no right is needed on nodes above the first that exists.
 * @param data of the node itself, if it is made here; its parents are made empty
 */
export async function ensurePath(
  session: Session,
  path: string,
  data: Buffer,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await session.persist(() => session.nodes.create(path, data, 'persistent'), signal);
      return;
    } catch (error) {
      if (failedWith(error, 'NODE_EXISTS')) return;
      if (!failedWith(error, 'NO_NODE')) throw error;
      await ensurePath(session, path.slice(0, path.lastIndexOf('/')), Buffer.alloc(0), signal);
    }
  }
}

/**
 * Deletes nodes that nobody needs any more, as far as that goes: the server refuses to delete one with children,
 * so that nobody's lock can go with it. Never rejects.
 */
export async function removeIfEmpty(session: Session, ...paths: readonly string[]): Promise<void> {
  await Promise.allSettled(paths.map((path) => session.nodes.remove(path)));
}
