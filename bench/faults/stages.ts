import { Scope } from '../../test/helpers/scope.js';
import type { Stage } from './stage.js';

/** Servers that are started when they are first needed, used for all rounds, and ended together. */
export class Stages implements AsyncDisposable {
  readonly #scope = new Scope();
  readonly #started = new Map<() => Promise<Stage>, Stage>();

  async get(start: () => Promise<Stage>): Promise<Stage> {
    const stage = this.#started.get(start) ?? (await this.#scope.use(start()));
    this.#started.set(start, stage);
    return stage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.end();
  }
}
