import type { LeaseSession } from '../../src/backend/zookeeper/lease.js';
import { SignsOfLife } from '../../src/backend/zookeeper/signs-of-life.js';
import type { Clock } from '../../src/util/clock.js';
import type { LeaseBudget } from '../../src/util/lease-deadline.js';
import type { ClientSession } from './client-session.js';
import type { Process } from './process.js';

/** What the simulated product is made of. A twin replaces one of them by something weaker. */
export interface Rules {
  readonly budget: (budget: LeaseBudget) => LeaseBudget;
  readonly leaseSession: (session: ClientSession) => LeaseSession;
  readonly leaseClock: (process: Process) => Clock;
  readonly signs: () => SignsOfLife;
  readonly hasGuardian: boolean;
  readonly guardianChecksClock: boolean;
  /** Whether the tree's death is waited for before the lock is given back, or just the command's. */
  readonly waitsForTree: boolean;
  /** Whether the supervisor's SIGKILL reaches the tree also when the guardian is stopped. */
  readonly killsPastGuardian: boolean;
}

class EveryWriteCounts extends SignsOfLife {
  override countsFrom(sentAt: number): number {
    return sentAt;
  }
}

const RULES: Rules = {
  budget: (budget) => budget,
  leaseSession: (session) => session,
  leaseClock: (process) => process.clock,
  signs: () => new SignsOfLife(),
  hasGuardian: true,
  guardianChecksClock: true,
  waitsForTree: true,
  killsPastGuardian: true,
};

/** One rule each, made weaker: every one of them must lead to two holders. */
const WEAKENED = {
  /** The answer to a ping counts as a renewal. */
  'lease-from-pings': { leaseSession: renewedByPings },
  /** The tree is dead by T, and not by 2T/3. */
  'deadline-T': { budget: allDeadByTtl },
  /** The lock is given back when the command has ended, whatever it has left behind. */
  'release-before-death': { waitsForTree: false },
  /** Nobody is there when the supervisor has died or is stopped. */
  'no-guardian': { hasGuardian: false },
  /** The lease counts from the reply, and not from when the renewal was sent; what the leader knows is not asked. */
  'count-from-reply': { leaseSession: countedFromReply, signs: () => new EveryWriteCounts() },
  /** After a stop only a timer tells that time has passed. */
  'no-clock-check': { leaseClock: lateClock, guardianChecksClock: false },
  /** An acknowledged write counts in full also after a pause, as if it were a sign of life to the leader. */
  'any-write-counts': { signs: () => new EveryWriteCounts() },
  /** SIGKILL is the guardian's to send: one that is stopped does not. */
  'kill-by-guardian-only': { killsPastGuardian: false },
} satisfies Readonly<Record<string, Partial<Rules>>>;

export type Weakening = keyof typeof WEAKENED;

// The keys of a constant object are the names of its type.
export const WEAKENINGS = Object.keys(WEAKENED) as readonly Weakening[];

export function isWeakening(name: string): name is Weakening {
  return name in WEAKENED;
}

export function rulesWith(weakening: Weakening | undefined): Rules {
  return weakening === undefined ? RULES : { ...RULES, ...WEAKENED[weakening] };
}

function renewedByPings(session: ClientSession): LeaseSession {
  const nodes = { ...session.nodes, touch: () => session.pingAsRenewal() };
  return withNodes(session, nodes);
}

/** As soon as a renewal is acknowledged, another one seems to be sent, and to be acknowledged at once. */
function countedFromReply(session: ClientSession): LeaseSession {
  let acknowledged: ReturnType<typeof session.nodes.touch> | undefined;
  let renew = (): void => {};
  const touch = (path: string) => {
    if (acknowledged !== undefined) {
      const reply = acknowledged;
      acknowledged = undefined;
      return reply;
    }
    const sent = session.nodes.touch(path);
    sent.then(
      () => {
        // After the lease has dealt with the first reply.
        sent
          .finally(() => {})
          .finally(() => {})
          .finally(() => {})
          .finally(() => {
            acknowledged = sent;
            renew();
            acknowledged = undefined;
          });
      },
      () => {},
    );
    return sent;
  };
  const weaker = withNodes(session, { ...session.nodes, touch });
  return Object.assign(weaker, {
    onReconnected: (listener: () => void) => {
      renew = listener;
      return session.onReconnected(listener);
    },
  });
}

function withNodes(session: ClientSession, nodes: LeaseSession['nodes']): LeaseSession {
  return {
    get id() {
      return session.id;
    },
    get ttlMs() {
      return session.ttlMs;
    },
    get servers() {
      return session.servers;
    },
    get over() {
      return session.over;
    },
    get end() {
      return session.end;
    },
    get isConnected() {
      return session.isConnected;
    },
    signs: session.signs,
    nodes,
    guard: (guard) => session.guard(guard),
    onReconnected: (listener) => session.onReconnected(listener),
    persist: (operations, signal) => session.persist(operations, signal),
    switchServer: (reason) => session.switchServer(reason),
    close: () => session.close(),
  };
}

/** The same spans, moved back so that the tree is dead by T. */
function allDeadByTtl(budget: LeaseBudget): LeaseBudget {
  const later = budget.ttlMs - budget.deadlineAfterMs;
  return {
    ...budget,
    stopAfterMs: budget.stopAfterMs + later,
    killAfterMs: budget.killAfterMs + later,
    deadlineAfterMs: budget.deadlineAfterMs + later,
  };
}

/** Shows the time of before the stop until one of its timers runs. */
function lateClock(process: Process): Clock {
  return {
    now: () => process.clock.now() - process.unnoticedStop,
    setTimer: (ms, run) => process.clock.setTimer(ms, run),
  };
}
