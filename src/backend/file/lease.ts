import type { Timer } from '../../util/clock.js';
import { LeaseLostError, messageOf } from '../../util/errors.js';
import type { Claim, Lease } from '../contract.js';
import type { Entry } from './entry.js';
import type { Keeper } from './keeper.js';
import type { FileSettings } from './settings.js';

/** How often it is looked whether the files are still there: an administrator's mistake, not a daily event. */
const LOOK_EVERY_MS = 1000;

/** Cleaners of temporary directories go by days; an hour is early enough, and half of it surely. */
const TOUCH_EVERY_MS = 30 * 60_000;

/**
 * Grace when the keeper has died. Our own descriptors still hold the lock, so nobody can have it before we let
 * go; but were the supervisor to die now, nobody would wait for the tree.
 */
const UNKEPT_GRACE_MS = 2000;

/** A slot that is ours. The kernel keeps it, not time: silence cannot lose it. */
export class FileLease implements Lease {
  readonly fencingToken = undefined;
  readonly budget = undefined;
  readonly evidence: string;
  readonly #entry: Entry;
  readonly #slot: number;
  readonly #settings: FileSettings;
  readonly #leave: (slot: number) => Promise<void>;
  readonly #loss = new AbortController();
  #lostDeadline = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;
  #touchAt: number;
  #released: Promise<void> | undefined;

  /** @param leave gives everything back and does not reject */
  constructor(
    entry: Entry,
    keeper: Keeper,
    claim: Claim,
    settings: FileSettings,
    slot: number,
    leave: (slot: number) => Promise<void>,
  ) {
    this.#entry = entry;
    this.evidence = entry.evidenceOf(slot);
    this.#slot = slot;
    this.#settings = settings;
    this.#leave = leave;
    this.#touchAt = settings.clock.now() + TOUCH_EVERY_MS;
    this.#arm();
    keeper.gone.then(() => {
      const message = `the process that keeps the lock, ${keeper.pid}, has ended`;
      this.lose(new LeaseLostError('holder-died', message, claim.lossGraceMs ?? UNKEPT_GRACE_MS));
    });
  }

  readonly deadline = (): number => this.#lostDeadline;

  get lost(): AbortSignal {
    return this.#loss.signal;
  }

  isLost(): boolean {
    if (this.#released === undefined && !this.#entry.isCurrent(this.#slot)) {
      const message = `somebody has removed or replaced the files of the lock in ${this.#entry.dir}`;
      this.lose(new LeaseLostError('deleted', message, 0));
    }
    return this.#loss.signal.aborted;
  }

  /** Once it is given back, nothing is lost any more. */
  lose(error: LeaseLostError): void {
    if (this.#released !== undefined || this.#loss.signal.aborted) return;
    this.#lostDeadline = this.#settings.clock.now() + error.remainingMs;
    this.#loss.abort(error);
  }

  /** Nothing is renewed. */
  onRenewed(): () => void {
    return () => {};
  }

  release(): Promise<void> {
    this.#released ??= this.#release();
    return this.#released;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #release(): Promise<void> {
    this.#timer?.cancel();
    await this.#leave(this.#slot);
  }

  #arm(): void {
    this.#timer = this.#settings.clock.setTimer(LOOK_EVERY_MS, () => {
      if (this.isLost()) return;
      if (this.#settings.clock.now() >= this.#touchAt) this.#touch();
      this.#arm();
    });
  }

  #touch(): void {
    this.#touchAt = this.#settings.clock.now() + TOUCH_EVERY_MS;
    try {
      this.#entry.touch(new Date());
    } catch (error) {
      // Another's slot cannot be touched: its owner does.
      this.#settings.log.debug({ dir: this.#entry.dir }, `could not touch the lock: ${messageOf(error)}`);
    }
  }
}
