import type { Claim, Identity } from '../contract.js';

/** What the value of a key tells: for other contenders, and for an operator with `etcdctl get`. */
export interface Told extends Partial<Identity> {
  readonly mode: Claim['mode'];
  readonly permits: number;
  readonly since: Date | undefined;
  /** Of a minimum hold. */
  readonly until: Date | undefined;
}

/**
 * @param since since when it waits, or holds, by the clock of the contender's host: etcd has none that it shows
 * @param until of a minimum hold: when it will have passed
 */
export function encodeValue(
  { identity: { host, pid, command }, mode, permits }: Pick<Claim, 'identity' | 'mode' | 'permits'>,
  since: Date,
  until?: Date,
): Buffer {
  return Buffer.from(JSON.stringify({ host, pid, command, mode, permits, since, until }));
}

/** Reads a value. One that is not ours to read stands for a contender of a plain lock: it keeps others out. */
export function decodeValue(value: Buffer): Told {
  const facts = parse(value.toString('utf8'));
  const text = (name: string) => (typeof facts.get(name) === 'string' ? String(facts.get(name)) : undefined);
  const whole = (name: string) =>
    Number.isSafeInteger(facts.get(name)) ? Number(facts.get(name)) : undefined;
  const date = (name: string) => {
    const at = new Date(text(name) ?? Number.NaN);
    return Number.isNaN(at.getTime()) ? undefined : at;
  };
  const [host, pid, command] = [text('host'), whole('pid'), text('command')];
  return {
    ...(host === undefined ? {} : { host }),
    ...(pid === undefined ? {} : { pid }),
    ...(command === undefined ? {} : { command }),
    mode: text('mode') === 'shared' ? 'shared' : 'exclusive',
    permits: whole('permits') ?? 1,
    since: date('since'),
    until: date('until'),
  };
}

function parse(text: string): ReadonlyMap<string, unknown> {
  try {
    const facts: unknown = JSON.parse(text);
    if (typeof facts === 'object' && facts !== null) return new Map(Object.entries(facts));
  } catch {
    // Not JSON: nothing is known of it.
  }
  return new Map();
}
