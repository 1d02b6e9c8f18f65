import assert from 'node:assert/strict';
import type { Claim, Contender, Lease, LockBackend } from '../backend/contract.js';
import { until } from './until.js';

/** What a backend hands to the suite, afresh for each sentence. */
export interface Ground {
  /** Opens a new session; all of a ground's sessions are with the same, empty service. */
  open(): Promise<LockBackend>;
  /** Ends the session or the process behind a lease of `backend`, as the world does: not through the contract. */
  sabotage(backend: LockBackend, lease: Lease): Promise<void>;
  /** What is left of contenders once all sessions are closed: nodes, files, processes. Must come to be empty. */
  residue(): Promise<readonly string[]>;
  /** Called when the sentence is over, however it went. */
  cleanup(): Promise<void>;
  /** How long to wait for what must happen, ms. Only those who expect a failure make it shorter. */
  readonly limitMs?: number;
}

/** Makes a ground for one sentence. */
export type Setup = () => Promise<Ground>;

/** One that wants a permit, and what has become of it. */
export interface Contending {
  /** What `onQueue` was called with, each time. */
  readonly told: (readonly Contender[])[];
  /** So far. */
  readonly outcome: () => 'pending' | 'got' | 'failed';
  /** The permit, or why there is none. */
  readonly lease: Promise<Lease>;
  /** Leaves the line with this reason. */
  abort(reason?: unknown): void;
}

/** What a sentence has at hand. */
export class Bench {
  /** Whose backend it is. */
  readonly ground: Ground;
  #sessions: LockBackend[] = [];
  #contending: Contending[] = [];
  #pid = 1000;
  #lack: string | undefined;

  constructor(ground: Ground) {
    this.ground = ground;
  }

  /** Another session, that is closed with the bench. */
  async open(): Promise<LockBackend> {
    const session = await this.ground.open();
    this.#sessions.push(session);
    return session;
  }

  /** What this backend cannot do, by its traits, so that the sentence has nothing to say of it. */
  get lack(): string | undefined {
    return this.#lack;
  }

  /** Says that the sentence does not apply, and why. */
  doesNotApply(lack: string): void {
    this.#lack = lack;
  }

  /** As {@link until}, with the patience of the ground. */
  until<T>(condition: () => T | Promise<T>, what: string) {
    return until(condition, what, this.ground.limitMs);
  }

  /** A claim to the resource `suite/r`, with an identity of its own. */
  claim(part: Partial<Claim> = {}): Claim {
    const pid = this.#pid++;
    return {
      resource: 'suite/r',
      permits: 1,
      mode: 'exclusive',
      identity: { host: 'host.example', pid, command: `command ${pid}` },
      ...part,
    };
  }

  /** Begins to contend; neither waits nor throws. */
  contend(session: LockBackend, part: Partial<Claim> = {}): Contending {
    const controller = new AbortController();
    let outcome: ReturnType<Contending['outcome']> = 'pending';
    const told: (readonly Contender[])[] = [];
    const onQueue = (contenders: readonly Contender[]) => void told.push(contenders);
    const lease = session.acquire(this.claim({ onQueue, ...part }), controller.signal);
    lease.then(
      () => {
        outcome = 'got';
      },
      () => {
        outcome = 'failed';
      },
    );
    const contending = {
      told,
      outcome: () => outcome,
      lease,
      abort: (reason?: unknown) => controller.abort(reason),
    };
    this.#contending.push(contending);
    return contending;
  }

  /** A permit that must come without waiting for anybody. */
  async acquire(session: LockBackend, part: Partial<Claim> = {}): Promise<Lease> {
    const contending = this.contend(session, part);
    await this.until(() => contending.outcome() !== 'pending', 'a free permit is granted');
    return contending.lease;
  }

  /** A permit if one is free now. */
  async tryAcquire(session: LockBackend, part: Partial<Claim> = {}): Promise<Lease | undefined> {
    return session.tryAcquire(this.claim(part), new AbortController().signal);
  }

  /** Begins to contend, and sees to it that it does wait. */
  async wait(session: LockBackend, part: Partial<Claim> = {}): Promise<Contending> {
    const contending = this.contend(session, part);
    await this.until(
      () => contending.told.length > 0 || contending.outcome() !== 'pending',
      'the contender waits',
    );
    assert.equal(contending.outcome(), 'pending', 'it had to wait');
    return contending;
  }

  /** The permit that a waiter gets in the end. */
  async granted(contending: Contending): Promise<Lease> {
    await this.until(() => contending.outcome() !== 'pending', 'the waiter is granted its permit');
    return contending.lease;
  }

  /** Who holds and who waits, as `session` sees it. */
  async contenders(session: LockBackend, resource = 'suite/r'): Promise<readonly Contender[]> {
    return session.contenders(resource, new AbortController().signal);
  }

  /** Closes every session; everything must then be gone. */
  async close(): Promise<void> {
    const contending = [...this.#contending];
    for (const one of contending) one.abort(new Error('the sentence is over'));
    await Promise.allSettled(this.#sessions.map((session) => session[Symbol.asyncDispose]()));
    await this.until(() => contending.every((one) => one.outcome() !== 'pending'), 'nobody waits any more');
  }

  /** That the ground has come to be empty, once all is closed. */
  async assertNothingLeft(): Promise<void> {
    let left: readonly string[] = [];
    const gone = async () => {
      left = await this.ground.residue();
      return left.length === 0;
    };
    await this.until(gone, 'nothing is left').catch(() => assert.deepEqual(left, [], 'left behind'));
  }
}
