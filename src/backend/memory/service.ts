import { type Clock, systemClock } from '../../util/clock.js';
import { LeaseLostError, SessionLostError, WrongKindError } from '../../util/errors.js';
import { kindOf, wrongKindMessage } from '../claim.js';
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
  readonly granted: (lease: MemoryLease) => void;
  readonly ended: (error: unknown) => void;
}

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
  #lastToken = 0n;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Takes the last place in line.
   * @throws WrongKindError when the resource is in use as another kind
   */
  enter(claim: Claim, session: Session): Entered {
    const queue = this.#queues.get(claim.resource) ?? [];
    const found = queue[0] && kindOf(queue[0].claim);
    if (found !== undefined && found !== kindOf(claim)) {
      throw new WrongKindError(wrongKindMessage(claim.resource, found, kindOf(claim)));
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
      granted,
      ended,
    };
    queue.push(entry);
    this.#queues.set(claim.resource, queue);
    this.#grant(claim.resource);
    const holding = entry.lease !== undefined;
    if (!holding) claim.onQueue?.(this.#view(queue, (other) => other === entry));
    return { lease, holding, leave: (reason) => this.#remove(entry, reason) };
  }

  /** What somebody contends for now. */
  get resources(): readonly string[] {
    return [...this.#queues.keys()];
  }

  /** Holders first, then waiters in order. */
  contenders(resource: string, session: Session): readonly Contender[] {
    return this.#view(this.#queues.get(resource) ?? [], (entry) => entry.session === session);
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

  #remove(entry: Entry, reason: unknown): void {
    const { resource } = entry.claim;
    const queue = this.#queues.get(resource);
    const index = queue?.indexOf(entry) ?? -1;
    if (queue === undefined || index === -1) return;
    queue.splice(index, 1);
    entry.ended(reason);
    if (queue.length === 0) this.#queues.delete(resource);
    this.#grant(resource);
    // Those before it have kept their place.
    for (const waiter of queue.slice(index)) {
      if (waiter.state === 'waiting') waiter.claim.onQueue?.(this.#view(queue, (other) => other === waiter));
    }
  }

  #grant(resource: string): void {
    const queue = this.#queues.get(resource) ?? [];
    const first = queue[0];
    if (first === undefined) return;
    for (const entry of entitled(queue, first.claim.permits)) {
      if (entry.state === 'holding') continue;
      entry.state = 'holding';
      entry.since = new Date();
      entry.lease = new MemoryLease(++this.#lastToken, () => this.#remove(entry, undefined));
      entry.granted(entry.lease);
    }
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
    }));
  }
}
