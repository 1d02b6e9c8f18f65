import { orAborted } from '../../util/abort.js';
import { WrongKindError } from '../../util/errors.js';
import { randomId } from '../../util/random-id.js';
import { kindOf, wrongKind } from '../claim.js';
import type { Claim } from '../contract.js';
import { attend } from './attend.js';
import type { Grant } from './grant.js';
import { Handover } from './handover.js';
import type { Hold } from './hold.js';
import { keeperOf, keepsAllPermits, type Marker } from './hold-markers.js';
import { Place, type Recipe } from './lock-queue.js';
import { confirm, refuseLock } from './lock-recipe.js';
import { decodeLimit, encodeIdentity, encodeLimit, semaphoreQueuePath } from './node-data.js';
import { keptOf, permitsOf, QueueReporter, readKept, readPermits } from './onlookers.js';
import { failedWith, isUnsettled } from './operation-error.js';
import type { Session } from './session.js';

/**
 * Takes one of a semaphore's permits: kazoo's `Semaphore` on the wire. The resource's node holds the number of
 * permits, a permit is an ephemeral child, and taking one is serialised by a lock at `<resource>-__lock__`: only
 * its holder watches the children. (Watching `children[i - N]` instead, as Curator's first semaphore did, loses
 * wake-ups for N > 1.)
 * @returns the confirmed grant; `undefined` if `wait` is false and no permit is free
 * @throws WrongKindError, PlaceLostError, and what the session and `signal` throw
 */
export async function grantPermit(
  recipe: Recipe,
  path: string,
  claim: Claim,
  hold: Hold,
  wait: boolean,
  signal: AbortSignal,
): Promise<Grant | undefined> {
  const { session, clock } = recipe;
  const data = encodeIdentity(claim.identity);
  const reporter = new QueueReporter(claim);
  const place = new Place(recipe, semaphoreQueuePath(path));
  /** Who holds, and whose hold is kept. Who leaves between the two reads is counted as the one or the other. */
  const look = async (wake: () => void): Promise<Taken> => {
    const reading = [session.nodes.getChildren(path, wake), hold.read(wake)] as const;
    const [children, markers] = await Promise.all(reading);
    const ended = keptOf(markers, children);
    if (ended.length === 0) return { permits: permitsOf(children), kept: [] };
    const { stat } = await confirm(recipe, place.path, data, signal);
    return { permits: permitsOf(children), kept: hold.binding(ended, stat, wake) };
  };
  const isFull = ({ permits, kept }: Taken) =>
    permits.length + kept.length >= claim.permits || kept.some(keepsAllPermits);
  const report = ({ permits, kept }: Taken, ahead: number) =>
    reporter.report([...kept.map(({ name }) => name), ...permits], ahead, async () => [
      ...kept.map(keeperOf),
      ...(await readPermits(session, path, permits)),
    ]);
  try {
    const written = await agreeOnLimit(recipe, path, claim.permits, signal);
    await place.join('exclusive', data, signal);
    await refuseLock(session, path, claim.permits, signal).catch(async (error: unknown) => {
      if (written !== undefined) await takeBackLimit(session, path, written);
      throw error;
    });
    const first = await place.turn(
      signal,
      async (queue) => {
        const ahead = queue.findIndex((node) => place.path.endsWith(`/${node.name}`));
        const children = await session.nodes.getChildren(path);
        const kept = keptOf(await readKept(session, path), children);
        await report({ permits: permitsOf(children), kept }, ahead);
      },
      async (wake) => wait || !isFull(await look(wake)),
    );
    if (!first) return undefined;
    const free = await attend(session, clock, signal, async (wake) => {
      const taken = await look(wake);
      if (!isFull(taken)) return true;
      if (!wait) return false;
      await report(taken, 0);
      return undefined;
    });
    return free ? await takePermit(recipe, path, claim, hold, data, signal) : undefined;
  } finally {
    hold.rest();
    await place.leave();
  }
}

/** What permits are taken: by those who hold, and by holds of those who have ended. */
interface Taken {
  readonly permits: readonly string[];
  readonly kept: readonly Marker[];
}

/** Our permit's node, made and confirmed; nothing of it is left if that fails. */
async function takePermit(
  recipe: Recipe,
  path: string,
  claim: Claim,
  hold: Hold,
  data: Buffer,
  signal: AbortSignal,
): Promise<Grant> {
  const { permits } = claim;
  const permit = `${path}/${randomId()}`;
  const handover = Handover.of(recipe, path, claim);
  try {
    await createPermit(recipe, path, permit, permits, data, signal);
    await handover?.takeOver(permit, data, signal);
    const confirmOurs = () => confirm(recipe, permit, data, signal);
    const grant = await confirmOurs();
    // Once more, now that our permit keeps the node from being removed: between the two looks the last holder may
    // have tidied it away, and a newcomer may have made it anew with another number.
    await agreeOnLimit(recipe, path, permits, signal);
    return { ...(await hold.mark(grant, confirmOurs, signal)), handover };
  } catch (error) {
    await hold.unmark();
    await handover?.giveBack();
    await removePermit(recipe.session, permit);
    throw error;
  }
}

/** The name is ours alone, so that a create whose reply was lost can be run again. */
async function createPermit(
  recipe: Recipe,
  path: string,
  permit: string,
  permits: number,
  data: Buffer,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await recipe.session.persist(() => recipe.session.nodes.create(permit, data, 'ephemeral'), signal);
      return;
    } catch (error) {
      if (failedWith(error, 'NODE_EXISTS')) return;
      if (!failedWith(error, 'NO_NODE')) throw error;
      await agreeOnLimit(recipe, path, permits, signal);
    }
  }
}

async function removePermit(session: Session, permit: string): Promise<void> {
  try {
    // The write before the deletion: a create that is still on its way must not come after it.
    await session.persist(async () => {
      await session.nodes.barrier(`${permit}-`);
      await session.nodes.remove(permit);
    }, new AbortController().signal);
  } catch (error) {
    if (!failedWith(error, 'NO_NODE') && !session.over.aborted) throw error;
  }
}

/**
 * Makes sure that the resource's node exists and holds our number of permits. It is made with the number in it,
 * so that of two first-comers that disagree one fails.
 * @throws WrongKindError when it holds another number, or something that is no number
 */
async function agreeOnLimit(
  { session, parents }: Recipe,
  path: string,
  permits: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  for (;;) {
    await parents.ensure(path, encodeLimit(permits), signal);
    await orAborted(session.connected(), signal);
    try {
      const { data, stat } = await session.nodes.getData(path);
      const limit = decodeLimit(data);
      if (limit !== 'none') {
        refuseOther(path, permits, limit);
        return undefined;
      }
      // Somebody made the directory for a lock: ours now, if nobody contends for that or writes to it first.
      await refuseLock(session, path, permits, signal);
      return (await session.nodes.setData(path, encodeLimit(permits), stat.version)).version;
    } catch (error) {
      if (!isUnsettled(error) && !failedWith(error, 'NO_NODE', 'BAD_VERSION')) throw error;
    }
  }
}

/** A lock's contender came at the same time: the number that we wrote must not keep its successors out. */
async function takeBackLimit(session: Session, path: string, version: number): Promise<void> {
  await session.nodes.setData(path, Buffer.alloc(0), version).catch((error) => {
    if (!failedWith(error, 'NO_NODE', 'BAD_VERSION') && !isUnsettled(error)) throw error;
  });
}

function refuseOther(path: string, permits: number, limit: { permits: number } | { foreign: string }): void {
  if ('foreign' in limit) {
    throw new WrongKindError(
      `${path} holds ${JSON.stringify(limit.foreign)}, and a semaphore's number of permits was expected there`,
      { hint: 'use another name', settings: ['name'] },
    );
  }
  if (limit.permits !== permits) {
    throw wrongKind(path, kindOf(limit), kindOf({ permits }));
  }
}
