import type { Contender, Identity } from '../contract.js';

/** What stands in the key of a lock. */
export interface LockValue {
  /** Another one with every grant. */
  readonly owner: string;
  readonly identity: Identity;
  /** By the holder's clock: memcached has no date that everybody could go by. */
  readonly since: Date;
  /** The time to live, seconds, that its last renewal asked for. */
  readonly life: number;
  /** The part of it that is the lease's; what is beyond is the minimum hold. */
  readonly lease: number;
  /** Given back: only the minimum hold is left of it. */
  readonly released: boolean;
}

/** As others read it, on one line. */
export function formatValue({ since, identity, ...value }: LockValue): string {
  return JSON.stringify({ ...value, ...identity, since: since.toISOString() });
}

/** @returns `undefined` for a text that is none of ours: somebody else's key, which is respected all the same */
export function readValue(text: string): LockValue | undefined {
  const facts = parse(text);
  const is = (name: string): string => (typeof facts[name] === 'string' ? facts[name] : '');
  const number = (name: string): number => (typeof facts[name] === 'number' ? facts[name] : 0);
  const since = new Date(is('since'));
  if (is('owner') === '' || Number.isNaN(since.getTime())) return undefined;
  return {
    owner: is('owner'),
    identity: { host: is('host'), pid: number('pid'), command: is('command') },
    since,
    life: number('life'),
    lease: number('lease'),
    released: facts['released'] === true,
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const facts: unknown = JSON.parse(text);
    // An object's own properties can be read as unknown values.
    if (typeof facts === 'object' && facts !== null) return facts as Record<string, unknown>;
  } catch {
    // Not JSON: no facts.
  }
  return {};
}

/** A key as it was found. */
export interface Found {
  /** `undefined`: none of ours. */
  readonly value: LockValue | undefined;
  /** What a write or removal must name, to be refused when somebody was quicker. */
  readonly cas: string;
  /** What is left of its time to live, seconds; negative when it has none. */
  readonly left: number;
}

/** Whether the lease is over and only the minimum hold keeps the key. */
export function isOver({ value, left }: Found): boolean {
  return value !== undefined && (value.released || value.life - left > value.lease);
}

/**
 * Who has the key, as others see it.
 * @param isSelf whether an owner is one of the session that asks
 * @param now of the clock that dates are told by
 */
export function contenderOf(found: Found, isSelf: (owner: string) => boolean, now: Date): Contender {
  const { value, left } = found;
  const over = isOver(found);
  return {
    state: 'holding',
    host: value?.identity.host,
    pid: value?.identity.pid,
    command: value?.identity.command,
    since: value?.since,
    self: value !== undefined && isSelf(value.owner),
    ...(over ? { heldUntil: new Date(now.getTime() + left * 1000) } : {}),
  };
}
