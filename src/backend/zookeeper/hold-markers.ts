import type { Contender, Identity } from '../contract.js';
import { type NodeKind, parseNode } from './contender-names.js';
import { decodeIdentity, heldPath } from './node-data.js';
import type { Nodes } from './nodes.js';
import { failedWith } from './operation-error.js';

/** That a permit is kept for a minimum hold. It is called as the node of the contender that took it. */
export interface Marker {
  readonly name: string;
  readonly path: string;
  readonly version: number;
  /** Who took it. */
  readonly identity: Partial<Identity>;
  /** What its contender held: a lock, as a writer or a reader, or one permit of a semaphore. */
  readonly of: NodeKind | 'permit';
  /** When it was granted, and until when it is kept, ms since 1970 by the servers' clock. */
  readonly since: number;
  readonly until: number;
}

/** Three centuries, ms: what a number of {@link MARKER} may come to. */
const LONGEST_MS = 9_999_999_999_999;

const MARKER = /^(\d{1,13}) (.*)$/s;

/**
 * The data of a marker: for how long, whole ms, and who. When it counts from is the server's to say: the node's mtime.
 * @param holdMs may have a fraction: 1.1 m are 66000.00000000001 ms
 */
export function encodeMarker(holdMs: number, identity: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${Math.min(Math.ceil(holdMs), LONGEST_MS)} `), identity]);
}

/** `undefined` for what is no marker of ours. */
function decodeMarker(data: Buffer | undefined): { holdMs: number; identity: Partial<Identity> } | undefined {
  const match = MARKER.exec(data?.toString('utf8') ?? '');
  if (match === null) return undefined;
  return { holdMs: Number(match[1]), identity: decodeIdentity(Buffer.from(match[2] ?? '')) };
}

/**
 * The markers beside a resource, those that have passed among them. One round trip where there are none.
 * @param path the resource's node
 * @param onChange called once when one comes or goes, if there is a place for them
 */
export async function readMarkers(nodes: Nodes, path: string, onChange?: () => void): Promise<Marker[]> {
  const directory = heldPath(path);
  try {
    const names = await nodes.getChildren(directory, onChange);
    const read = await Promise.all(names.map((name) => readMarker(nodes, directory, name)));
    return read.filter((marker) => marker !== undefined);
  } catch (error) {
    if (failedWith(error, 'NO_NODE')) return [];
    throw error;
  }
}

async function readMarker(nodes: Nodes, directory: string, name: string): Promise<Marker | undefined> {
  const path = `${directory}/${name}`;
  try {
    const { data, stat } = await nodes.getData(path);
    const decoded = decodeMarker(data);
    if (decoded === undefined) return undefined;
    const since = Number(stat.mtime.readBigInt64BE());
    const { identity, holdMs } = decoded;
    const of = parseNode(name)?.kind ?? 'permit';
    return { name, path, version: stat.version, identity, of, since, until: since + holdMs };
  } catch (error) {
    if (failedWith(error, 'NO_NODE')) return undefined;
    throw error;
  }
}

/** Whether a marker that binds keeps out one who wants the lock in this mode: all do, but a reader's keeps no readers out. */
export function excludesMode({ of }: Marker, mode: NodeKind): boolean {
  return of !== 'shared' || mode === 'exclusive';
}

/**
 * Whether a marker that binds keeps all permits of a semaphore, and not one: that of a lock, whose name is now used for a
 * semaphore. While its holder lived, the one was refused for the other.
 */
export function keepsAllPermits({ of }: Marker): boolean {
  return of !== 'permit';
}

/** A holder that has ended, as others are shown it. */
export function keeperOf({ identity, since, until }: Marker): Contender {
  const { host, pid, command } = identity;
  return {
    state: 'holding',
    host,
    pid,
    command,
    since: new Date(since),
    self: false,
    heldUntil: new Date(until),
  };
}
