import type { Farewell } from '../child/child.js';
import type { LeaseBudget } from '../util/lease-deadline.js';

/** Who contends: written where other contenders can read it. Never a secret. */
export interface Identity {
  /** The name of the host. */
  readonly host: string;
  /** The process, by its number on that host. */
  readonly pid: number;
  /** The command, made readable and cut to a sensible length. */
  readonly command: string;
}

/** What a contender wants. */
export interface Claim {
  /** What is locked: segments joined by `/`, without a leading one (`lockex/3f2a…`). */
  readonly resource: string;
  /** Permits that exist in all: 1 is a lock, more is a semaphore. The claim is for one of them. */
  readonly permits: number;
  /** `shared` is excluded by exclusive contenders before it only. Needs `traits.shared`. */
  readonly mode: 'exclusive' | 'shared';
  /** As whom others see us. */
  readonly identity: Identity;
  /**
   * The mark that every process of the command's tree will carry in `LOCKEX_TREE`, if there is a tree. A backend
   * whose lock can outlive its owner keeps it until no process carries the mark.
   */
  readonly treeId?: string;
  /** Grace wanted between the stop signal and SIGKILL when the lease is being lost, ms; the backend's choice if absent. */
  readonly lossGraceMs?: number;
  /**
   * How long to wait, ms, before taking over from a holder that ended without giving its permit back; 0 if absent. All
   * contenders of a resource must agree. Needs `traits.handoverDelay`.
   */
  readonly handoverDelayMs?: number;
  /**
   * For so long from the grant on, ms, nobody else is granted this permit, however the lease ends: given back, lost, or
   * with a crash; 0 if absent. Nobody has to stay for it. Needs `traits.hold`.
   */
  readonly holdMs?: number;
  /**
   * Called when we begin to wait, and again each time the holders or our place in line are seen to change. It may abort the
   * claim's signal; it does not throw.
   */
  readonly onQueue?: (contenders: readonly Contender[]) => void;
}

/** One holder or waiter, as others see it. */
export interface Contender {
  /** Whether it has a permit, or waits for one. */
  readonly state: 'holding' | 'waiting';
  /** Its host; `undefined`, as what follows, where another program wrote nothing that says so. */
  readonly host: string | undefined;
  /** Its process, by its number on that host. */
  readonly pid: number | undefined;
  /** Its command. */
  readonly command: string | undefined;
  /** Since when it holds, or waits, by the service's clock. */
  readonly since: Date | undefined;
  /** Whether it contends through the session that asks. */
  readonly self: boolean;
  /** Of a holder that has ended, whose minimum hold keeps the permit: until when, by the service's clock. */
  readonly heldUntil?: Date;
}

/** What a backend can do. Asking for what it cannot is refused with a `UsageError`, never faked. */
export interface Traits {
  /** `fair`: first come, first served. `race`: whoever is quickest. */
  readonly queue: 'fair' | 'race';
  /** Leases carry a fencing token. */
  readonly fencing: boolean;
  /** `mode: 'shared'` works. */
  readonly shared: boolean;
  /** The most permits that a semaphore can have; 1 where there are locks only. */
  readonly maxPermits: number;
  /** Waiters are listed among the contenders, and not holders alone. */
  readonly waiters: boolean;
  /** `handoverDelayMs` works. */
  readonly handoverDelay: boolean;
  /** `holdMs` works. */
  readonly hold: boolean;
}

/**
 * A lock service. One instance is one session with it.
 *
 * Errors, by name:
 * - `ServiceUnreachableError`, `NotPermittedError`, `UsageError`: from opening one
 * - `SessionLostError`: the session ended while waiting; this instance is of no more use, open another
 * - `WrongKindError`: the resource is another kind of lock, or has another number of permits
 * - `NotPermittedError`: the service does not allow it
 *
 * Not promised: that `contenders` is of one instant.
 */
export interface LockBackend extends AsyncDisposable {
  /** What it can do. */
  readonly traits: Traits;
  /**
   * What a survivor gives our permits and places in line back with when we no longer can, as of now: to be asked again
   * when a claim was made, at each `onQueue`, when it was granted, and at each renewal. Each is said. Secret. None where these end by themselves, or cannot be
   * ended so.
   */
  readonly farewells: readonly Farewell[];
  /** Waits in line for a permit. When `signal` aborts, no contender is left behind and `signal.reason` is thrown. */
  acquire(claim: Claim, signal: AbortSignal): Promise<Lease>;
  /** A permit if one is free now; otherwise `undefined`, with no contender left behind. */
  tryAcquire(claim: Claim, signal: AbortSignal): Promise<Lease | undefined>;
  /** Holders first, then waiters in order, as far as the service knows them. Changes nothing. */
  contenders(resource: string, signal: AbortSignal): Promise<readonly Contender[]>;
  /**
   * Whether the lease that this evidence is of, another session's as a rule, is still held, as of a moment between the
   * call and the answer. Changes nothing. When the service does not answer, this waits until `signal` aborts.
   * @throws UsageError when it is no evidence of this service
   */
  owns(evidence: string, signal: AbortSignal): Promise<boolean>;
}

/**
 * A permit that is ours. The last thing that `acquire` does is to have the service confirm it: a session lost
 * between grant and confirmation yields no lease.
 */
export interface Lease extends AsyncDisposable {
  /** Grows with every grant of the resource, whoever gets it; `undefined` without `traits.fencing`. */
  readonly fencingToken: bigint | undefined;
  /** The time line of this lease, by the timeout the service really gave; `undefined` where silence cannot lose it. */
  readonly budget: LeaseBudget | undefined;
  /** What `LockBackend.owns` needs to tell whether this lease is still held. No secret; `undefined` where nobody can be asked. */
  readonly evidence: string | undefined;
  /** Monotonic ms by which the tree must be dead; moves on with every acknowledged renewal. `Infinity` without a budget. */
  readonly deadline: () => number;
  /** Calls `listener` after each acknowledged renewal: the deadline has moved. Returns the way to stop that. */
  onRenewed(listener: () => void): () => void;
  /** Aborts once, early enough to stop the tree in; the reason is a `LeaseLostError`. */
  readonly lost: AbortSignal;
  /**
   * Whether the lease is lost, asked of the clock first: after a freeze this is true before `lost` has aborted.
   * To be called right before every act that needs the permit, above all before a command is started.
   */
  isLost(): boolean;
  /**
   * Gives the permit back: resolves when the next contender can have it. Twice is safe, after a loss is safe.
   * Does not reject: when the service does not answer, the permit ends with the session.
   */
  release(): Promise<void>;
}
