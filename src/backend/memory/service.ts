import { type Clock, systemClock, type Timer } from '../../util/clock.js';
import { LeaseLostError, SessionLostError } from '../../util/errors.js';
import { kindOf, wrongKind } from '../claim.js';
import type { Claim, Contender } from '../contract.js';
import { MemoryLease } from './lease.js';
import { entitled } from './queue.js';

/** Whose contenders they are: compared, never looked into. */
export type Session = object;

/** One contender. `lease` exists from the grant on; `settle` tells a waiter how it went. */
interface Entry {
  readonly claim: Claim;
  readonly session: Session;
  readonly mode: Claim['mode'];
  state: 'holding' | 'waiting';
  since: Date;
  lease: MemoryLease | undefined;
  /** When it was granted with a minimum hold: until when that binds, monotonic ms, and by the calendar. */
  hold: { readonly until: number; readonly date: Date } | undefined;
  readonly granted: (lease: MemoryLease) => void;
  readonly ended: (error: unknown) => void;
}

/** Whose place is a holder's that has ended before its minimum hold: it goes by itself. */
const NOBODY: Session = {};

/** A place in line that can be left. */
export interface Entered {
  readonly lease: Promise<MemoryLease>;
  /** Whether the permit was granted at once. */
  readonly holding: boolean;
  leave(reason: unknown): void;
}

/**
 * The locks of one process: for programs whose contenders all live in it, and for tests of programs that use
 * locks. Served in order of arrival; a fencing token rises with every grant, over all resources.
 */
export class MemoryService {
  readonly #queues = new Map<string, Entry[]>();
  readonly #clock: Clock;
  /** For each resource where somebody waits for a hold to pass. */
  readonly #wakes = new Map<string, Timer>();
  #lastToken = 0n;

  /** @param clock by which minimum holds pass */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Takes the last place in line.
   * @throws WrongKindError when the resource is in use as another kind
   * @internal for `MemoryBackend`
   */
  enter(claim: Claim, session: Session): Entered {
    const queue = this.#queue(claim.resource);
    const found = queue[0] && kindOf(queue[0].claim);
    if (found !== undefined && found !== kindOf(claim)) {
      throw wrongKind(claim.resource, found, kindOf(claim));
    }
    let granted: Entry['granted'] = () => {};
    let ended: Entry['ended'] = () => {};
    const lease = new Promise<MemoryLease>((resolve, reject) => {
      [granted, ended] = [resolve, reject];
    });
    const entry: Entry = {
      claim,
      session,
      mode: claim.mode,
      state: 'waiting',
      since: new Date(),
      lease: undefined,
      hold: undefined,
      granted,
      ended,
    };
    queue.push(entry);
    this.#queues.set(claim.resource, queue);
    this.#grant(claim.resource);
    const holding = entry.lease !== undefined;
    if (!holding) claim.onQueue?.(this.#view(queue, (other) => other === entry));
    const leave = (reason: unknown) => {
      // Who leaves at the moment of the grant was never handed a lease: nothing is held for it.
      entry.hold = undefined;
      this.#remove(entry, reason);
    };
    return { lease, holding, leave };
  }

  /** What somebody contends for now. */
  get resources(): readonly string[] {
    return [...this.#queues.keys()].filter((resource) => this.#queue(resource).length > 0);
  }

  /**
   * Holders first, then waiters in order.
   * @internal for `MemoryBackend`
   */
  contenders(resource: string, session: Session): readonly Contender[] {
    return this.#view(this.#queue(resource), (entry) => entry.session === session);
  }

  /**
   * Ends a session as a service does when its client has been silent for too long: its leases are lost
   * (`expired`), its waiters reject, the next in line are granted. For testing how a program takes that.
   */
  expire(session: Session): void {
    const entries = [...this.#queues.values()].flat().filter((entry) => entry.session === session);
    // From the back, so that what a holder leaves is not granted to a waiter that ends as well.
    for (const entry of entries.reverse()) {
      entry.lease?.lose(new LeaseLostError('expired', 'the session has ended', 0), this.#clock.now());
      this.#remove(entry, new SessionLostError('the session ended while waiting for the lock'));
    }
  }

  /** A resource's contenders in order of arrival, without the holds that have passed. */
  #queue(resource: string): Entry[] {
    const queue = this.#queues.get(resource) ?? [];
    const now = this.#clock.now();
    const binding = queue.filter(({ session, hold }) => session !== NOBODY || (hold && now < hold.until));
    if (binding.length < queue.length) queue.splice(0, queue.length, ...binding);
    if (queue.length === 0) this.#queues.delete(resource);
    return queue;
  }

  #remove(entry: Entry, reason: unknown): void {
    const { resource } = entry.claim;
    const queue = this.#queues.get(resource) ?? [];
    const index = queue.indexOf(entry);
    if (index === -1) return;
    queue.splice(index, 1, ...(entry.hold === undefined ? [] : [{ ...entry, session: NOBODY }]));
    entry.ended(reason);
    this.#grant(resource);
    this.#tell(queue.slice(index));
  }

  /** Those before them have changed. */
  #tell(behind: readonly Entry[]): void {
    for (const waiter of behind) {
      const { claim, state } = waiter;
      if (state !== 'waiting' || claim.onQueue === undefined) continue;
      claim.onQueue(this.#view(this.#queue(claim.resource), (other) => other === waiter));
    }
  }

  #grant(resource: string): void {
    const queue = this.#queue(resource);
    for (const entry of entitled(queue, queue[0]?.claim.permits ?? 1)) {
      if (entry.state === 'holding') continue;
      const { holdMs = 0 } = entry.claim;
      entry.state = 'holding';
      entry.since = new Date();
      if (holdMs > 0) {
        entry.hold = { until: this.#clock.now() + holdMs, date: new Date(entry.since.getTime() + holdMs) };
      }
      entry.lease = new MemoryLease(++this.#lastToken, () => this.#remove(entry, undefined));
      entry.granted(entry.lease);
    }
    this.#wake(resource, queue);
  }

  /** Somebody who waits for a hold is served when it passes. Where nobody waits no timer keeps the process going. */
  #wake(resource: string, queue: readonly Entry[]): void {
    this.#wakes.get(resource)?.cancel();
    this.#wakes.delete(resource);
    if (queue.every(({ state }) => state === 'holding')) return;
    const ends = queue.flatMap(({ session, hold }) => (session === NOBODY && hold ? [hold.until] : []));
    if (ends.length === 0) return;
    const onPassed = () => {
      this.#grant(resource);
      this.#tell(this.#queue(resource));
    };
    this.#wakes.set(resource, this.#clock.setTimer(Math.min(...ends) - this.#clock.now(), onPassed));
  }

  #view(queue: readonly Entry[], isSelf: (entry: Entry) => boolean): readonly Contender[] {
    const holdersFirst = [
      ...queue.filter(({ state }) => state === 'holding'),
      ...queue.filter(({ state }) => state === 'waiting'),
    ];
    return holdersFirst.map((entry) => ({
      state: entry.state,
      ...entry.claim.identity,
      since: entry.since,
      self: isSelf(entry),
      ...(entry.session === NOBODY && entry.hold ? { heldUntil: entry.hold.date } : {}),
    }));
  }
}
