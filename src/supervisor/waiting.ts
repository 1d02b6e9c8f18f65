import type { Lease, LockBackend } from '../backend/contract.js';
import { abortAt, orAborted } from '../util/abort.js';
import { LockNotAcquiredError, LockTimeoutError } from '../util/errors.js';
import type { Job, World } from './job.js';

/** How long one who is sent away may be kept for the sake of the line that says by whom. */
const LOOK_LIMIT_MS = 1000;

/**
 * Takes the permit as long as the user wants to wait for it. Rejects as soon as `stop` aborts: whoever owns the
 * backend ends its session then, and what is left of us in the line goes with that.
 * @throws LockNotAcquiredError, when there was a limit a LockTimeoutError; what the backend throws; the reason of `stop`
 */
export async function waitForLease(
  backend: LockBackend,
  job: Job,
  world: World,
  startedAt: number,
  stop: AbortSignal,
): Promise<Lease> {
  const { claim, waiting } = job;
  if (waiting.how === 'once') {
    const lease = await orAborted(backend.tryAcquire(claim, stop), stop);
    if (lease !== undefined) return lease;
    const why = await whoHasIt(backend, job, world, stop);
    throw new LockNotAcquiredError(`not free: ${claim.resource}${why === '' ? '' : `, ${why}`}`);
  }
  if (waiting.limitMs === undefined) return orAborted(backend.acquire(claim, stop), stop);

  const limit = new AbortController();
  const limitMs = waiting.limitMs;
  const timer = world.clock.setTimer(startedAt + limitMs - world.clock.now(), () =>
    limit.abort(new LockTimeoutError(`not free within ${limitMs / 1000} s: ${job.claim.resource}`)),
  );
  try {
    const either = AbortSignal.any([stop, limit.signal]);
    return await orAborted(backend.acquire(claim, either), either);
  } finally {
    timer.cancel();
  }
}

/** One look, after the refusal: it may come too late, or to nothing. `''` then. */
async function whoHasIt(
  backend: LockBackend,
  { claim, describe }: Job,
  { clock }: World,
  stop: AbortSignal,
): Promise<string> {
  if (describe === undefined) return '';
  const limit = abortAt(clock.now() + LOOK_LIMIT_MS, clock);
  const either = AbortSignal.any([stop, limit.signal]);
  try {
    const contenders = await orAborted(backend.contenders(claim.resource, either), either);
    return contenders.some(({ state }) => state === 'holding') ? describe(contenders) : '';
  } catch {
    stop.throwIfAborted();
    return '';
  } finally {
    limit.cancel();
  }
}
