import { failedWith } from './operation-error.js';
import type { Session } from './session.js';

/**
 * The persistent nodes that one session makes on its way, and takes away again when nobody needs them. Nodes that
 * somebody else made stay: an admin may have put an access list or a quota on them.
 */
export class Parents {
  readonly #session: Session;
  readonly #made = new Set<string>();

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Asks for a node and the one above it, without waiting for the answers: what is sent next finds them, if all is
   * well. Whether it is, shows then. A lock's directory goes away with its last contender, and the lock path with its
   * last lock, so that the next one nearly always has to make them, and would first be told that they are missing.
   */
  anticipate(path: string): void {
    const above = parentOf(path);
    for (const each of above === '' ? [path] : [above, path]) {
      this.#session.nodes.create(each, Buffer.alloc(0), 'persistent').then(
        () => this.#made.add(each),
        () => {},
      );
    }
  }

  /**
   * Makes sure that a node exists, and its parents, a chroot included. Begins at the deepest, so that no right is
   * needed on nodes above the first that exists.
   * @param data of the node itself, if it is made here; its parents are made empty
   */
  async ensure(path: string, data: Buffer, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#session.persist(() => this.#session.nodes.create(path, data, 'persistent'), signal);
        this.#made.add(path);
        return;
      } catch (error) {
        if (failedWith(error, 'NODE_EXISTS')) return;
        if (!failedWith(error, 'NO_NODE')) throw error;
        await this.ensure(parentOf(path), Buffer.alloc(0), signal);
      }
    }
  }

  /**
   * Deletes a resource's node, whoever made it, and those above it that were made here, as far as they are empty:
   * the server refuses to delete a node with children, so that nobody's lock can go with it. Never rejects.
   */
  async remove(path: string): Promise<void> {
    const paths = [path];
    for (let above = parentOf(path); this.#made.has(above); above = parentOf(above)) paths.push(above);
    await Promise.allSettled(paths.map((each) => this.#session.nodes.remove(each)));
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
