import type { TestContext } from 'node:test';

/** What a test has started, to be ended when the test has, whatever its outcome. */
export class Scope {
  readonly #things: AsyncDisposable[] = [];

  /** Takes charge of `thing` and returns it. */
  async use<T extends AsyncDisposable>(thing: T | Promise<T>): Promise<T> {
    const started = await thing;
    this.#things.push(started);
    return started;
  }

  /** Disposes of all, the last one first; one that fails does not keep the others. Throws what went wrong. */
  async end(): Promise<void> {
    const errors: unknown[] = [];
    for (let thing = this.#things.pop(); thing !== undefined; thing = this.#things.pop()) {
      try {
        await thing[Symbol.asyncDispose]();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'several things did not end well');
  }
}

/** A scope that ends after the test `t`. */
export function scope(t: TestContext): Scope {
  const it = new Scope();
  t.after(() => it.end());
  return it;
}
