import { delay } from '../../util/abort.js';
import { SessionLostError } from '../../util/errors.js';
import { kindOf, wrongKind } from '../claim.js';
import type { Claim } from '../contract.js';
import { SIGNS_PER_TTL } from '../lease-budget.js';
import { queueOf } from './contender-names.js';
import type { Grant } from './grant.js';
import { Handover } from './handover.js';
import type { Hold } from './hold.js';
import { keeperOf, type Marker } from './hold-markers.js';
import { Place, PlaceLostError, type Recipe } from './lock-queue.js';
import { decodeLimit, encodeIdentity } from './node-data.js';
import type { Nodes } from './nodes.js';
import { lockHolders, QueueReporter, readKept } from './onlookers.js';
import { failedWith } from './operation-error.js';
import type { Session } from './session.js';

/**
 * Waits in the queue of a lock and returns the confirmed grant; `undefined` if `wait` is false and it is not free.
 * On any other way out nothing of ours is left in the queue.
 * @throws WrongKindError, PlaceLostError, and what the session and `signal` throw
 */
export async function grantLock(
  recipe: Recipe,
  path: string,
  claim: Claim,
  hold: Hold,
  wait: boolean,
  signal: AbortSignal,
): Promise<Grant | undefined> {
  const { session } = recipe;
  const place = new Place(recipe, path);
  const reporter = new QueueReporter(claim);
  const data = encodeIdentity(claim.identity);
  const handover = Handover.of(recipe, path, claim);
  try {
    await place.join(claim.mode, data, signal);
    // On its way together with the first look, and answered before we wait or take the lock.
    const kind = refuseSemaphore(session, path, signal);
    kind.catch(() => {});
    const mayWait = () => kind.then(() => wait);
    const ours = await place.turn(
      signal,
      async (queue) => {
        const holders = lockHolders(queue, await readKept(session, path));
        const at = queue.findIndex((node) => `${path}/${node.name}` === place.path);
        await reporter.report(holders.names, at - holders.living.length, () => holders.read(session, path));
      },
      mayWait,
    );
    const confirmOurs = () => confirm(recipe, place.path, data, signal);
    const reportKept = (kept: readonly Marker[]) =>
      reporter.report(
        kept.map(({ name }) => name),
        0,
        async () => kept.map(keeperOf),
      );
    const free = ours && (await hold.whenFree(confirmOurs, mayWait, reportKept, signal));
    await kind;
    if (free) {
      await handover?.takeOver(place.path, data, signal);
      const grant = handover === undefined ? free : await confirmOurs();
      return { ...(await hold.mark(grant, confirmOurs, signal)), handover };
    }
  } catch (error) {
    await hold.unmark();
    await handover?.giveBack();
    await place.leave();
    throw error;
  }
  await place.leave();
  return undefined;
}

/** What the confirmation of a grant needs of its session. */
type ConfirmingSession = Pick<Session, 'id' | 'ttlMs' | 'signs' | 'persist'> & {
  readonly nodes: Pick<Nodes, 'setData'>;
};

/**
 * By more than this part of the timeout a first lease is not shortened: nothing would be left of the silence that it
 * rides out, which is 2T/5.
 */
const DISCOUNT = 1 / 3;

/**
 * The last step before a permit is handed out: an acknowledged write to our node, which proves that the node is
 * there, that the session owns it, and that a quorum stands behind the server that says so. The lease counts from
 * when it was sent, and its time on the node tells others since when we hold.
 *
 * After a pause of ours (a freeze, a cut link) the leader may be about to expire us all the same: then it is done again
 * until it has been told that we live, a third of the session timeout later.
 */
export async function confirm(
  { session, clock }: Pick<Recipe, 'clock'> & { readonly session: ConfirmingSession },
  path: string,
  data: Buffer,
  signal: AbortSignal,
): Promise<Grant> {
  try {
    for (;;) {
      const grant = await session.persist(async () => {
        const sentAt = clock.now();
        return { path, sentAt, stat: await session.nodes.setData(path, data) };
      }, signal);
      signal.throwIfAborted();
      if (grant.stat.ephemeralOwner.readBigUInt64BE() !== session.id) break;
      const sentAt = session.signs.countsFrom(grant.sentAt, session.ttlMs);
      if (grant.sentAt - sentAt <= session.ttlMs * DISCOUNT) return { ...grant, sentAt };
      await delay(session.ttlMs / SIGNS_PER_TTL, clock, signal);
    }
  } catch (error) {
    if (!failedWith(error, 'NO_NODE')) throw error;
  }
  throw new PlaceLostError(`our node ${path} was deleted before it could be confirmed`);
}

/**
 * Read after our own node was made, so that of a lock and a semaphore that come at the same time at least one
 * sees the other.
 */
async function refuseSemaphore(session: Session, path: string, signal: AbortSignal): Promise<void> {
  const { data } = await session.persist(() => session.nodes.getData(path), signal);
  const limit = decodeLimit(data);
  if (typeof limit === 'object' && 'permits' in limit) {
    throw wrongKind(path, kindOf(limit), 'lock');
  }
}

/**
 * Refuses a semaphore in whose directory somebody contends for a plain lock.
 * @throws WrongKindError
 */
export async function refuseLock(
  session: Session,
  path: string,
  permits: number,
  signal: AbortSignal,
): Promise<void> {
  const children = await session.persist(() => session.nodes.getChildren(path), signal);
  if (queueOf(children).length > 0) {
    throw wrongKind(path, 'lock', kindOf({ permits }));
  }
}

/** What a place that was lost, again and again, ends in. */
export function placeLost(error: PlaceLostError): SessionLostError {
  return new SessionLostError(error.message, {
    cause: error,
    hint: 'who deletes nodes under the lock path?',
  });
}
