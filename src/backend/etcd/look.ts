import type { IKeyValue } from 'etcd3';
import { readKey } from './keys.js';
import { type Entry, type Line, lineOf } from './line.js';
import type { Session, Work } from './session.js';
import { decodeValue } from './value.js';

/** Keys from `key` to before `end`; without it that one key. */
export interface KeyRange {
  readonly key: string;
  readonly end?: string;
}

/** What was found in a range of keys, and as of which revision. */
export interface Look {
  readonly keys: ReadonlyMap<string, IKeyValue>;
  readonly revision: bigint;
}

/** As etcd wants a range to be asked for. */
export function rangeOf({ key, end }: KeyRange): { key: Buffer; range_end?: Buffer } {
  return { key: Buffer.from(key), ...(end === undefined ? {} : { range_end: Buffer.from(end) }) };
}

/** What a range request, or one in a transaction, was answered. */
export function lookAt(kvs: readonly IKeyValue[], revision: string): Look {
  return { keys: new Map(kvs.map((kv) => [kv.key.toString(), kv])), revision: BigInt(revision) };
}

/** Reads by way of a quorum: no answer is older than the question. `limitMs` as {@link Session.persist}. */
export function look(
  session: Session,
  range: KeyRange,
  signal: AbortSignal,
  limitMs?: number,
): Promise<Look> {
  const work: Work<Look> = async (client, options) => {
    const { kvs, header } = await client.kv.range(rangeOf(range), options);
    return lookAt(kvs, header.revision);
  };
  return session.persist(work, signal, limitMs);
}

/** The contenders among the keys of a resource's directory. */
export function readLine(directory: string, keys: ReadonlyMap<string, IKeyValue>): Line {
  const entries = [...keys].flatMap(([key, kv]): Entry[] => {
    const name = readKey(directory, key);
    if (name === undefined) return [];
    return [{ ...name, revision: BigInt(kv.create_revision), told: decodeValue(kv.value) }];
  });
  return lineOf(entries);
}
