import type { Contender } from '../contract.js';
import type { Keys } from './keys.js';
import type { Master } from './master.js';
import { LOOK } from './scripts.js';

/** One entry of one server. Times are that server's, ms since 1970. */
export interface Entry {
  readonly owner: string;
  readonly who: string;
  readonly since: number;
}

/** What one server knows of a resource. */
export interface View {
  readonly lock: Entry | undefined;
  readonly hold: (Entry & { readonly until: number }) | undefined;
  readonly waiters: readonly Entry[];
}

/** @throws what {@link Master.run} throws */
export async function lookAt(master: Master, keys: Keys): Promise<View> {
  return readView(await master.run(LOOK, [keys.lock, keys.hold, keys.waiters], []));
}

/** Reads the answer of the script; what others have put there is nobody. */
export function readView(reply: unknown): View {
  const [now, lock, hold, holdForMs, waiters] = list(reply);
  const [owner, who, since] = list(lock);
  const held = /^(?<owner>\S+) (?<since>\d+) (?<who>.*)$/s.exec(String(hold ?? ''))?.groups;
  return {
    lock: typeof owner === 'string' ? { owner, who: String(who), since: Number(since) } : undefined,
    hold:
      held === undefined
        ? undefined
        : { ...entry(held['owner'], held['since'], held['who']), until: Number(now) + Number(holdForMs) },
    waiters: pairs(list(waiters)).flatMap(([key, text]) => {
      const groups = /^(?<until>\d+) (?<since>\d+) (?<who>.*)$/s.exec(String(text))?.groups;
      if (groups === undefined || Number(groups['until']) < Number(now)) return [];
      return [entry(String(key), groups['since'], groups['who'])];
    }),
  };
}

function entry(owner = '', since = '', who = ''): Entry {
  return { owner, who, since: Number(since) };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function pairs(flat: readonly unknown[]): readonly (readonly [unknown, unknown])[] {
  return flat.flatMap((value, index) => (index % 2 === 0 ? [[value, flat[index + 1]] as const] : []));
}

/**
 * What several servers know together: who holds on a majority holds, who waits on one waits.
 * @param isSelf whether an owner is of the session that asks
 */
export function merge(
  views: readonly View[],
  majority: number,
  isSelf: (owner: string) => boolean,
): readonly Contender[] {
  const holder = agreed(
    views.map(({ lock }) => lock),
    majority,
  );
  const hold = agreed(
    views.map((view) => view.hold),
    majority,
  );
  const waiters = new Map<string, Entry>();
  for (const waiter of views.flatMap((view) => view.waiters)) {
    if (waiter.owner !== holder?.owner) waiters.set(waiter.owner, waiters.get(waiter.owner) ?? waiter);
  }
  const bySince = [...waiters.values()].sort((a, b) => a.since - b.since);
  return [
    ...(holder === undefined ? [] : [contender('holding', holder, isSelf(holder.owner))]),
    ...(hold === undefined || holder !== undefined
      ? []
      : [{ ...contender('holding', hold, false), heldUntil: new Date(hold.until) }]),
    ...bySince.map((waiter) => contender('waiting', waiter, isSelf(waiter.owner))),
  ];
}

function agreed<T extends Entry>(entries: readonly (T | undefined)[], majority: number): T | undefined {
  return entries.find(
    (one) => one !== undefined && entries.filter((other) => other?.owner === one.owner).length >= majority,
  );
}

function contender(state: Contender['state'], { who, since }: Entry, self: boolean): Contender {
  return { state, ...identityOf(who), since: Number.isFinite(since) ? new Date(since) : undefined, self };
}

function identityOf(who: string): Pick<Contender, 'host' | 'pid' | 'command'> {
  const { host, pid, command } = parse(who);
  return {
    host: typeof host === 'string' ? host : undefined,
    pid: typeof pid === 'number' ? pid : undefined,
    command: typeof command === 'string' ? command : undefined,
  };
}

function parse(json: string): Readonly<Record<'host' | 'pid' | 'command', unknown>> {
  const nobody = { host: undefined, pid: undefined, command: undefined };
  try {
    const value: unknown = JSON.parse(json);
    return { ...nobody, ...(typeof value === 'object' ? value : {}) };
  } catch {
    return nobody;
  }
}
