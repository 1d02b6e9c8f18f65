import { NotPermittedError, ServiceUnreachableError } from '../../util/errors.js';
import { type Keys, TOKEN_KEY } from './keys.js';
import type { Master } from './master.js';
import type { Answer, Masters } from './masters.js';
import { lookAt, type View } from './onlookers.js';
import { CONTEND, HOLD, LEAVE } from './scripts.js';

/** One contender, the same over all its attempts: an answer that was lost is found by it. */
export interface Place {
  readonly keys: Keys;
  /** Random; whoever knows it may give the lock back. */
  readonly owner: string;
  /** The identity, as JSON. */
  readonly who: string;
  readonly ttlMs: number;
  readonly holdMs: number;
  readonly minUptimeS: number;
}

/** What came of one attempt. */
export type Attempt =
  | { readonly how: 'granted'; readonly token: bigint | undefined }
  /** By another, or by a minimum hold; for so long at least if nothing is done, ms. */
  | { readonly how: 'held'; readonly forMs: number }
  /** Too few servers have been up for long enough. */
  | { readonly how: 'young'; readonly forMs: number; readonly server: string }
  /** Too few servers answered. */
  | { readonly how: 'unreachable'; readonly error: unknown };

type Reply = { readonly how: 'granted' | 'held' | 'young'; readonly value: string };

const says = (answer: Answer<Reply>, how: Reply['how']) => 'value' in answer && answer.value.how === how;

/**
 * Tries once to get the lock on a majority, and undoes what it got on fewer.
 *
 * The masters are asked in their order until one grants, and then all others at the same time. So the first one that is
 * up decides between those who come together; if all were asked at once, each of ten contenders could get one of three.
 * It does not decide alone: what it keeps may be what is left of somebody who never had a majority, or was given back
 * while it was out of reach. So it is passed over when so many of the others keep nothing that they are a majority.
 * @param signal nothing more is asked for once it has aborted: whoever leaves then, over the same connections, leaves all
 * @throws NotPermittedError
 */
export async function contend(
  masters: Masters,
  place: Place,
  wait: boolean,
  signal: AbortSignal,
): Promise<Attempt> {
  const ask = async (master: Master) => {
    signal.throwIfAborted();
    return contendAt(master, place, wait);
  };
  const isGranted = (answer: Answer<Reply>) => says(answer, 'granted');
  const answers: Answer<Reply>[] = [];
  for (const [index, master] of masters.all.entries()) {
    const [answer] = await masters.ask(ask, undefined, [master]);
    if (answer === undefined) continue;
    answers.push(answer);
    const others = masters.all.slice(index + 1);
    if (says(answer, 'held') && !(await areFree(masters, place, others))) break;
    if (!isGranted(answer)) continue;
    const enough = (more: readonly Answer<Reply>[]) => more.filter(isGranted).length + 1 >= masters.majority;
    if (masters.majority > 1) answers.push(...(await masters.ask(ask, enough, others)));
    break;
  }
  const granted = answers.filter(isGranted);
  if (granted.length < masters.majority) {
    const undoing = granted.map(({ master }) => leaveAt(master, place, 'undo').catch(() => {}));
    await Promise.all(undoing);
    return worst(answers);
  }
  if (place.holdMs > 0) {
    signal.throwIfAborted();
    const made = (some: readonly Answer<void>[]) => some.filter((answer) => 'value' in answer).length;
    const holds = await masters.ask(
      (master) => holdAt(master, place),
      (some) => made(some) >= masters.majority,
    );
    // The lock stays ours meanwhile: the next attempt finds it so.
    if (made(holds) < masters.majority) return unanswered(errorsOf(holds));
  }
  const [first] = granted;
  // With several masters no number is known to be higher than all before it when one of them has lost its memory.
  const token = masters.only && first && 'value' in first ? BigInt(first.value.value) : undefined;
  return { how: 'granted', token };
}

/** Whether so many of these keep nothing for anybody that they are a majority of all. */
async function areFree(masters: Masters, { keys }: Place, among: readonly Master[]): Promise<boolean> {
  if (among.length < masters.majority) return false;
  const free = (answers: readonly Answer<View>[]) =>
    answers.filter((answer) => 'value' in answer && !answer.value.lock && !answer.value.hold).length;
  const views = await masters.ask(
    (master) => lookAt(master, keys),
    (some) => free(some) >= masters.majority || some.length - free(some) > among.length - masters.majority,
    among,
  );
  return free(views) >= masters.majority;
}

/** Why there is no majority: who holds comes before who is too young, and that before silence. */
function worst(answers: readonly Answer<Reply>[]): Attempt {
  const replies = answers.flatMap((answer) => ('value' in answer ? [{ ...answer.value, ...answer }] : []));
  const held = replies.find(({ how }) => how === 'held');
  if (held !== undefined) return { how: 'held', forMs: Number(held.value.value) };
  const silence = unanswered(errorsOf(answers));
  const young = replies.find(({ how }) => how === 'young');
  return young === undefined
    ? silence
    : { how: 'young', forMs: Number(young.value.value), server: young.master.name };
}

/** @throws NotPermittedError when that is among what the servers threw */
function unanswered(errors: readonly unknown[]): Attempt {
  const refusal = errors.find((one) => one instanceof NotPermittedError);
  if (refusal !== undefined) throw refusal;
  return { how: 'unreachable', error: errors[0] };
}

function errorsOf(answers: readonly Answer<unknown>[]): readonly unknown[] {
  return answers.flatMap((answer) => ('error' in answer ? [answer.error] : []));
}

async function contendAt(master: Master, place: Place, wait: boolean): Promise<Reply> {
  const { keys, owner, who, ttlMs, minUptimeS } = place;
  const [how, value] = fields(
    await master.run(
      CONTEND,
      [keys.lock, keys.hold, keys.waiters, TOKEN_KEY],
      [owner, who, Math.ceil(ttlMs), wait ? 1 : 0, minUptimeS],
    ),
  );
  if (how !== 'granted' && how !== 'held' && how !== 'young') throw new Error(`an answer of no kind: ${how}`);
  return { how, value: value ?? '' };
}

function fields(reply: unknown): readonly string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}

async function holdAt(master: Master, { keys, owner, holdMs }: Place): Promise<void> {
  const said = await master.run(HOLD, [keys.lock, keys.hold], [owner, Math.ceil(holdMs)]);
  if (said === 'held') return;
  throw new ServiceUnreachableError(
    `redis at ${master.name}: the lock was gone before its minimum hold was made`,
  );
}

/** Takes what is ours away on one server: see the script for the three ways. */
export async function leaveAt(
  master: Master,
  { keys, owner }: Pick<Place, 'keys' | 'owner'>,
  how: 'release' | 'cancel' | 'undo',
): Promise<void> {
  await master.run(LEAVE, [keys.lock, keys.hold, keys.waiters], [owner, keys.channel, how]);
}
