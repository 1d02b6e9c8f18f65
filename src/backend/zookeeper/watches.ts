type Kind = 'data' | 'children';

/**
 * One stable function a path for the library, many listeners behind it: the library keeps a listener for every
 * new function it is given, and never drops one before the watch fires.
 */
export class Watches {
  readonly #entries = new Map<string, { readonly fire: () => void; readonly listeners: Set<() => void> }>();

  /** The function to give the library; `listener` is called when it is, once. */
  add(kind: Kind, path: string, listener: () => void): () => void {
    const key = `${kind} ${path}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const listeners = new Set<() => void>();
      const fire = () => {
        this.#entries.delete(key);
        for (const each of listeners) each();
      };
      entry = { fire, listeners };
      this.#entries.set(key, entry);
    }
    entry.listeners.add(listener);
    return entry.fire;
  }
}
