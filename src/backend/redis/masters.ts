import { abortAt, delay, orAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import { NotPermittedError, ServiceUnreachableError, UsageError } from '../../util/errors.js';
import type { Log } from '../../util/log.js';
import { OUT_OF_REACH_OR_TLS } from '../hints.js';
import type { Master } from './master.js';

/** What one server said. */
export type Answer<T> =
  | { readonly master: Master; readonly value: T }
  | { readonly master: Master; readonly error: unknown };

/** How long to wait between two looks at whether a server answers (again), ms. */
const AGAIN_MS = 25;

export interface OpenLimits {
  readonly connectLimitMs: number;
  readonly connectAttempts: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** All masters: what a majority of them says is so. Any two majorities have one in common. */
export class Masters {
  readonly all: readonly Master[];
  readonly majority: number;
  readonly #warned = new Set<Master>();

  /** @param majority how many it takes; only tests that show why have another */
  constructor(all: readonly Master[], majority = Math.floor(all.length / 2) + 1) {
    this.all = all;
    this.majority = majority;
  }

  /** The only one, if it is. */
  get only(): Master | undefined {
    return this.all.length === 1 ? this.all[0] : undefined;
  }

  /**
   * Connects to a majority.
   * @throws NotPermittedError or UsageError at once when one refuses us or is a replica; ServiceUnreachableError when the limits are reached; the reason
   *   of `signal`
   */
  async open(limits: OpenLimits, signal: AbortSignal): Promise<void> {
    const { clock, connectLimitMs, connectAttempts, log } = limits;
    const late = abortAt(clock.now() + connectLimitMs, clock, () => this.#unreachable());
    const either = AbortSignal.any([signal, late.signal]);
    for (const master of this.all) master.connect();
    try {
      for (;;) {
        const answers = await orAborted(
          this.ask(
            (master) => master.greet(log).then(() => this.#warnOfTwins(master, log)),
            (some) => some.filter((answer) => 'value' in answer).length >= this.majority,
          ),
          either,
        );
        const failed = answers.flatMap((answer) => ('error' in answer ? [answer] : []));
        const refused = failed.find(
          ({ error }) => error instanceof NotPermittedError || error instanceof UsageError,
        );
        if (refused !== undefined) throw refused.error;
        if (answers.length - failed.length >= this.majority) return;
        const attempts = this.all.reduce((sum, { failures }) => sum + failures, 0);
        if (attempts >= connectAttempts) throw this.#unreachable();
        await delay(AGAIN_MS, clock, either);
      }
    } finally {
      late.cancel();
    }
  }

  /**
   * Asks all of them at the same time.
   * @param enough when not to wait for the others; a server that is silent is waited for until its connection counts as dead
   */
  ask<T>(
    question: (master: Master) => Promise<T>,
    enough: (answers: readonly Answer<T>[]) => boolean = () => false,
    among: readonly Master[] = this.all,
  ): Promise<readonly Answer<T>[]> {
    return new Promise((resolve) => {
      const answers: Answer<T>[] = [];
      const add = (answer: Answer<T>) => {
        answers.push(answer);
        if (answers.length === among.length || enough(answers)) resolve([...answers]);
      };
      if (among.length === 0) resolve([]);
      for (const master of among) {
        question(master).then(
          (value) => add({ master, value }),
          (error: unknown) => add({ master, error }),
        );
      }
    });
  }

  /**
   * What each of a majority says, asked until a majority answers.
   * @throws NotPermittedError; the reason of `signal`
   */
  async insist<T>(
    question: (master: Master) => Promise<T>,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    for (;;) {
      signal.throwIfAborted();
      const answers = await orAborted(this.ask(question), signal);
      const values = answers.flatMap((answer) => ('error' in answer ? [] : [answer.value]));
      if (values.length >= this.majority) return values;
      for (const answer of answers) {
        if ('error' in answer && answer.error instanceof NotPermittedError) throw answer.error;
      }
      await delay(AGAIN_MS, clock, signal);
    }
  }

  /** What those say that answer, asked once. */
  async glance<T>(question: (master: Master) => Promise<T>, signal: AbortSignal): Promise<readonly T[]> {
    const answers = await orAborted(this.ask(question), signal);
    return answers.flatMap((answer) => ('error' in answer ? [] : [answer.value]));
  }

  /** One server with two names counts twice: fewer may die than there seem to be. */
  #warnOfTwins(master: Master, log: Log): void {
    for (const other of this.all) {
      if (other === master || !master.isSameAs(other) || this.#warned.has(master)) continue;
      this.#warned.add(master).add(other);
      log.warn({}, `redis at ${other.name} and at ${master.name} is one server: give masters of their own`);
    }
  }

  close(): void {
    for (const master of this.all) master.close();
  }

  #unreachable(): ServiceUnreachableError {
    const why = this.all.flatMap((master) => (master.isGreeted ? [] : [master.failure.message]));
    const of = this.all.length === 1 ? '' : `expected ${this.majority} of ${this.all.length} masters: `;
    return new ServiceUnreachableError(`no session with redis: ${of}${why.join('; ')}`, OUT_OF_REACH_OR_TLS);
  }
}
