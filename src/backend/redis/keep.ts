import { messageOf } from '../../util/errors.js';
import type { Log } from '../../util/log.js';
import type { Renewal } from '../ttl-lease.js';
import { contend, type Place } from './contend.js';
import type { Keys } from './keys.js';
import type { Master } from './master.js';
import { type Answer, Masters } from './masters.js';
import { RENEW } from './scripts.js';

/** Keeps a lock that is ours. */
export class Keeper {
  readonly #masters: Masters;
  readonly #place: Place;
  readonly #released: AbortSignal;
  readonly #log: Log;
  /** Those that did not renew the lock the last time. */
  readonly #ailing = new Set<Master>();

  /** @param released aborts when the lock is given back: nothing is brought back then, and nothing told */
  constructor(masters: Masters, place: Place, released: AbortSignal, log: Log) {
    this.#masters = masters;
    this.#place = place;
    this.#released = released;
    this.#log = log;
  }

  /**
   * Keeps the lock for another time on all masters. It counts when a majority has said so.
   *
   * A master that has lost its memory meanwhile gets our lock again, as soon as it has been up for long enough to grant:
   * it did not count for this renewal, and counts for the next one. So one may be restarted after the other. That it has
   * is heard also when it is the last to answer, after the majority.
   * @throws an Error with what the servers threw when too few answered
   */
  async renew(): Promise<Renewal> {
    const { all, majority } = this.#masters;
    const asked = new Map(all.map((master) => [master, this.#renewAt(master)]));
    const said = (answers: readonly Answer<unknown>[], word: string) =>
      answers.filter((answer) => 'value' in answer && answer.value === word);
    const lost = (answers: readonly Answer<unknown>[]) =>
      said(answers, 'gone').length + said(answers, 'taken').length > all.length - majority;
    const kept = (answers: readonly Answer<unknown>[]) => said(answers, 'renewed').length >= majority;
    const answers = await this.#masters.ask(
      async (master) => asked.get(master),
      (some) => kept(some) || lost(some),
    );
    if (kept(answers)) {
      for (const [master, word] of asked) {
        word.then(
          (one) => this.#kept(master, one),
          () => {},
        );
      }
      return { how: 'renewed' };
    }
    if (lost(answers)) {
      return { how: 'lost', cause: 'deleted', message: lossMessage(answers, this.#place.keys) };
    }
    const failed = answers.flatMap((answer) => ('error' in answer ? [answer.error] : []));
    throw new Error(failed.map(messageOf).join('; '));
  }

  async #renewAt(master: Master): Promise<unknown> {
    const { keys, owner, ttlMs } = this.#place;
    try {
      return await master.run(RENEW, [keys.lock], [owner, Math.ceil(ttlMs)]);
    } catch (error) {
      this.#tell(master, messageOf(error));
      throw error;
    }
  }

  /** What one of them said to a renewal that a majority acknowledged. */
  async #kept(master: Master, word: unknown): Promise<void> {
    if (word === 'renewed') {
      if (this.#ailing.delete(master)) this.#log.info({}, `redis at ${master.name} renews the lock again`);
      return;
    }
    this.#tell(master, `redis at ${master.name}: the lock there is ${words(word)}`);
    if (word === 'gone') await this.#restore(master);
  }

  /** Once for each time that it begins: a loss that comes of it says for how long nobody renewed the lock, and not why. */
  #tell(master: Master, ailment: string): void {
    if (this.#released.aborted || this.#ailing.has(master)) return;
    this.#ailing.add(master);
    const count = this.#masters.all.length;
    const of = count === 1 ? '' : ` (one of ${count} masters)`;
    this.#log.warn({ server: master.name }, `a renewal failed: ${ailment}${of}`);
  }

  async #restore(master: Master): Promise<void> {
    await contend(new Masters([master]), { ...this.#place, holdMs: 0 }, false, this.#released).catch(
      () => {},
    );
  }
}

function lossMessage(answers: readonly Answer<unknown>[], { lock }: Keys): string {
  const found = answers
    .flatMap((answer) => ('value' in answer ? [`${answer.master.name}: ${words(answer.value)}`] : []))
    .join('; ');
  return `the key ${lock} is not ours any more (${found})`;
}

function words(value: unknown): string {
  if (value === 'gone') return 'gone: it was deleted, has expired, or the server has lost its memory';
  return value === 'taken' ? "another's" : 'ours';
}
