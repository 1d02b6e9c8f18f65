import { delay } from '../../util/abort.js';
import type { Claim } from '../contract.js';
import type { Recipe } from './lock-queue.js';
import { unreleasedPath } from './node-data.js';
import { failedWith } from './operation-error.js';
import type { Session } from './session.js';
import { readUnreleased } from './unreleased.js';

/**
 * The delay before a permit is taken over from a holder that did not give it back (consul's lock-delay).
 *
 * Each holder keeps a persistent marker beside the queue, made before its lease is confirmed, removed before its
 * contender's node is, once its tree is dead. So a marker without its contender is of a holder whose session
 * ended before it had said that all is dead: its host may be paused, and its command may go on for a moment when it
 * wakes. The markers are not in the queue's own directory, where kazoo and older versions of ours would see them.
 */
export class Handover {
  readonly #recipe: Recipe;
  readonly #path: string;
  readonly #delayMs: number;
  #marker: string | undefined;

  /** @param path the resource's node, whose children are its contenders or its permits */
  constructor(recipe: Recipe, path: string, delayMs: number) {
    this.#recipe = recipe;
    this.#path = path;
    this.#delayMs = delayMs;
  }

  /** `undefined` for a claim that wants no delay: nothing is marked and nobody is looked for. */
  static of(recipe: Recipe, path: string, { handoverDelayMs = 0 }: Claim): Handover | undefined {
    return handoverDelayMs > 0 ? new Handover(recipe, path, handoverDelayMs) : undefined;
  }

  /**
   * It is our turn: waits out the delay if somebody ended without giving back, and marks that we hold. Our place is kept
   * all the while.
   * @param node the path of the node that is our permit
   * @param data of that node: who we are
   * @throws the reason of `signal`, or of the session's end
   */
  async takeOver(node: string, data: Buffer, signal: AbortSignal): Promise<void> {
    const { session, clock, log } = this.#recipe;
    const unreleased = await session.persist(() => readUnreleased(session.nodes, this.#path), signal);
    if (unreleased.length > 0) {
      const who = unreleased.map((each) => each.who).join(' and ');
      const seconds = this.#delayMs / 1000;
      log.warn(
        { lock: this.#path, handoverDelayMs: this.#delayMs },
        `${who} ended without giving the lock back; we take it over in ${seconds} s (handover delay)`,
      );
      await delay(this.#delayMs, clock, AbortSignal.any([signal, session.over]));
    }
    await this.#mark(`${unreleasedPath(this.#path)}${node.slice(this.#path.length)}`, data, signal);
    // Not before ours is there: until then, whoever comes after us has to wait for them as well.
    for (const each of unreleased) await this.#remove(each.marker, signal);
  }

  /** Our tree is dead, or was never started: removes our marker. Never rejects: it may stay, at the cost of a delay. */
  async giveBack(): Promise<void> {
    if (this.#marker === undefined) return;
    await this.#remove(this.#marker, new AbortController().signal).catch(() => {});
  }

  /** Removes the directory of the markers if it is empty. Never rejects. */
  static async tidy(session: Session, path: string): Promise<void> {
    await session.nodes.remove(unreleasedPath(path)).catch(() => {});
  }

  async #mark(marker: string, data: Buffer, signal: AbortSignal): Promise<void> {
    const { session, parents } = this.#recipe;
    this.#marker = marker;
    for (;;) {
      try {
        await session.persist(() => session.nodes.create(marker, data, 'persistent'), signal);
        return;
      } catch (error) {
        // The name is ours alone: a create whose reply was lost has been done.
        if (failedWith(error, 'NODE_EXISTS')) return;
        if (!failedWith(error, 'NO_NODE')) throw error;
        await parents.ensure(unreleasedPath(this.#path), Buffer.alloc(0), signal);
      }
    }
  }

  async #remove(marker: string, signal: AbortSignal): Promise<void> {
    const { session } = this.#recipe;
    try {
      await session.persist(() => session.nodes.remove(marker), signal);
    } catch (error) {
      if (!failedWith(error, 'NO_NODE')) throw error;
    }
  }
}
