import type { Contender, Traits } from '../backend/contract.js';

/** What a queue looks like from our place in it. */
export interface QueueView {
  readonly message: string;
  readonly fields: { readonly holders: readonly string[]; readonly place: number | undefined };
}

/** Holders named one by one; more are counted. */
const NAMED = 3;

/**
 * Says who holds and where we stand; where there is no line, how many wait with us.
 * @param contenders holders first, then waiters in order
 * @param now the date against which a time of day is read: an older one is shown with its date
 */
export function describeQueue(
  contenders: readonly Contender[],
  queue: Traits['queue'],
  now: Date,
): QueueView {
  const holding = contenders.filter(({ state }) => state === 'holding');
  const holders = holding.map((contender) => showHolder(contender, now));
  const waiting = contenders.filter(({ state }) => state === 'waiting');
  const place = queue === 'fair' ? placeIn(waiting) : undefined;
  const message = `waiting: ${showHolders(holding, now)}${place === undefined ? showOthers(waiting) : `; we are ${ordinal(place)} in line`}`;
  return { message, fields: { holders, place } };
}

/** Says who holds, to one who does not wait. */
export function describeHolders(contenders: readonly Contender[], now: Date): string {
  return showHolders(
    contenders.filter(({ state }) => state === 'holding'),
    now,
  );
}

function placeIn(waiting: readonly Contender[]): number | undefined {
  const index = waiting.findIndex(({ self }) => self);
  return index < 0 ? undefined : index + 1;
}

function showOthers(waiting: readonly Contender[]): string {
  const others = waiting.filter(({ self }) => !self).length;
  if (others === 0) return '';
  return `; ${others} ${others === 1 ? 'other waits' : 'others wait'}, too, and who is quickest is next`;
}

/** `db1:4242 (redis-server redis.conf) since 12:03:04`, or until when for one that has ended */
function showHolder(contender: Contender, now: Date): string {
  const { since, heldUntil } = contender;
  if (heldUntil !== undefined)
    return `${showWho(contender)} until ${showDate(heldUntil, now)} (minimum hold)`;
  return `${showWho(contender)}${since === undefined ? '' : ` since ${showDate(since, now)}`}`;
}

function showWho({ host, pid, command }: Contender): string {
  const who = host === undefined ? 'somebody unknown' : pid === undefined ? host : `${host}:${pid}`;
  return `${who}${command === undefined || command === '' ? '' : ` (${command})`}`;
}

/** Those who are there, and those whose minimum hold keeps the lock. */
function showHolders(holding: readonly Contender[], now: Date): string {
  if (holding.length === 0) return 'no holder is seen';
  const living = holding.filter(({ heldUntil }) => heldUntil === undefined);
  const kept = holding.flatMap((contender) => {
    const { heldUntil } = contender;
    if (heldUntil === undefined) return [];
    return `until ${showDate(heldUntil, now)} by ${showWho(contender)}, which has ended (minimum hold)`;
  });
  const by = living.length === 0 ? [] : [`by ${nameSome(living.map((one) => showHolder(one, now)))}`];
  return `held ${[...by, ...(kept.length === 0 ? [] : [nameSome(kept)])].join(' and ')}`;
}

function nameSome(holders: readonly string[]): string {
  const more = Math.max(0, holders.length - NAMED);
  return `${holders.slice(0, NAMED).join(' and ')}${more === 0 ? '' : ` and ${more} more`}`;
}

/** Local time; with its date when that is not `now`'s. */
function showDate(date: Date, now: Date): string {
  const pad = (part: number) => String(part).padStart(2, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(':');
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${time}`;
}

function ordinal(place: number): string {
  if (place === 1) return 'next';
  const teen = place % 100 >= 11 && place % 100 <= 13;
  const ending = teen ? 'th' : (['th', 'st', 'nd', 'rd'][place % 10] ?? 'th');
  return `${place}${ending}`;
}
