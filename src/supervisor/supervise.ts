import type { Claim, Lease, LockBackend } from '../backend/contract.js';
import type { SignalName } from '../child/child.js';
import { checkExactWords } from '../child/exact-words.js';
import { SessionLostError } from '../util/errors.js';
import { budgetText } from './budget-text.js';
import { endsWaiting } from './endings.js';
import type { Job, Outcome, World } from './job.js';
import { lostBeforeStart, runUnder } from './running.js';
import { waitForLease } from './waiting.js';

/** A release that takes longer is worth a line. */
const SLOW_RELEASE_MS = 1000;

/** The reason of a wait that a signal ended. */
class ToldToStop extends Error {
  readonly by: SignalName;
  constructor(by: SignalName) {
    super(`told to stop by ${by}`);
    this.by = by;
  }
}

/**
 * One command under one permit, from the first connection to the last goodbye:
 * waiting → running → stopping → done. On every way out the order is: tree dead, permit given back, session
 * ended.
 * @throws any LockexError that kept the command from being started, or the reason of `world.bug`
 */
export async function supervise(job: Job, world: World): Promise<Outcome> {
  const startedAt = world.clock.now();
  const stop = new AbortController();
  const unsubscribe = world.signals.subscribe((name) => {
    if (endsWaiting(name)) stop.abort(new ToldToStop(name));
  });
  const onBug = () => stop.abort(world.bug.reason);
  world.bug.addEventListener('abort', onBug, { once: true });
  try {
    // Nobody is to wait for a lock under which nothing could be started.
    checkExactWords(job.command, world.stage.level);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await oneSession(job, world, startedAt, stop.signal, unsubscribe);
      } catch (error) {
        if (!(error instanceof SessionLostError) || attempt >= job.attempts) throw error;
        world.log.warn({ attempt }, `${error.message}; our place in line is lost, taking a new one`);
      }
    }
  } catch (error) {
    if (error instanceof ToldToStop) return { how: 'told-to-stop', by: error.by };
    throw error;
  } finally {
    unsubscribe();
    world.bug.removeEventListener('abort', onBug);
    await world.stage.dismiss();
  }
}

/** @param running called when the wait is over: signals are the command's from here on */
async function oneSession(
  job: Job,
  world: World,
  startedAt: number,
  stop: AbortSignal,
  running: () => void,
): Promise<Outcome> {
  await using backend: LockBackend = await world.connect(stop);
  const entrust = () => world.stage.entrust(backend.farewells);
  const marked = { ...job, claim: claimOf(job, world, entrust) };
  const waiting = waitForLease(backend, marked, world, startedAt, stop);
  // While the first requests are on their way.
  entrust();
  const lease = await waiting;
  // What gives back a permit may be another word than what leaves a line.
  entrust();
  // Nor is it the same for ever: the session may have gone to another server, a login may have got another token.
  const forget = lease.onRenewed(entrust);
  try {
    announce(lease, job, world);
    // A stop that raced the grant never starts the command, nor does a lease that a freeze has used up meanwhile.
    stop.throwIfAborted();
    if (lease.isLost()) return lostBeforeStart(lease, world);
    running();
    return await runUnder(lease, marked, world);
  } finally {
    forget();
    await giveBack(lease, backend, world);
  }
}

/** With the mark of our tree; whoever had to take another place in line leaves that one, when killed. */
function claimOf({ claim }: Job, { stage }: World, entrust: () => void): Claim {
  const { onQueue } = claim;
  const marked = { ...claim, treeId: stage.treeId };
  if (onQueue === undefined) return marked;
  return {
    ...marked,
    onQueue(contenders) {
      entrust();
      onQueue(contenders);
    },
  };
}

/**
 * Gives the permit back. Where the service cannot be reached that takes until the session has ended by itself;
 * who is in a hurry may end it with a signal, and the permit goes with the session then.
 */
async function giveBack(lease: Lease, backend: LockBackend, world: World): Promise<void> {
  const late = world.clock.setTimer(SLOW_RELEASE_MS, () => {
    world.log.warn(
      {},
      'all is stopped; the lock cannot be given back yet, because the lock service does not answer',
    );
  });
  const unsubscribe = world.signals.subscribe((name) => {
    if (endsWaiting(name)) void backend[Symbol.asyncDispose]();
  });
  await lease.release();
  unsubscribe();
  late.cancel();
}

/** The line that an operator looks for: what is held, and what silence of the service it survives. */
function announce(lease: Lease, job: Job, world: World): void {
  const { budget, fencingToken } = lease;
  const fields = { lock: job.claim.resource, fencingToken: fencingToken?.toString() };
  if (budget === undefined) {
    world.log.info(fields, 'acquired the lock');
    return;
  }
  const graceMs = budget.killAfterMs - budget.stopAfterMs;
  const { ttlMs, rideOutMs, deadlineAfterMs } = budget;
  world.log.info(
    { ...fields, sessionTimeoutMs: ttlMs, rideOutMs, graceMs, deadlineMs: deadlineAfterMs },
    `acquired the lock: ${budgetText(budget)}`,
  );
}
