import type { Identity } from '../contract.js';
import { decodeIdentity, unreleasedPath } from './node-data.js';
import type { Nodes } from './nodes.js';
import { failedWith } from './operation-error.js';

/** A marker is called as the node of the contender that it is of: 32 hex digits, and in a lock's queue its number. */
const MARKER = /^[0-9a-f]{32}(__r?lock__-?\d{9,10})?$/;

/** A holder that ended without giving its permit back. */
export interface Unreleased {
  /** The path of its marker. */
  readonly marker: string;
  /** `db1:4242 (redis-server redis.conf)` */
  readonly who: string;
}

/**
 * The markers of a resource whose contenders are gone. A marker that was read before the contenders and is there after
 * them, too, was not on its way out: on a clean end it goes first.
 * @param path the resource's node, whose children are its contenders or its permits
 */
export async function readUnreleased(nodes: Nodes, path: string): Promise<readonly Unreleased[]> {
  const markers = (await childrenOf(nodes, unreleasedPath(path))).filter((name) => MARKER.test(name));
  if (markers.length === 0) return [];
  const living = new Set(await childrenOf(nodes, path));
  const orphans = markers.filter((name) => !living.has(name));
  const read = await Promise.all(orphans.map((name) => readMarker(nodes, `${unreleasedPath(path)}/${name}`)));
  return read.filter((each) => each !== undefined);
}

async function readMarker(nodes: Nodes, marker: string): Promise<Unreleased | undefined> {
  try {
    const { data } = await nodes.getData(marker);
    return { marker, who: show(decodeIdentity(data)) };
  } catch (error) {
    if (failedWith(error, 'NO_NODE')) return undefined;
    throw error;
  }
}

async function childrenOf(nodes: Nodes, path: string): Promise<string[]> {
  try {
    return await nodes.getChildren(path);
  } catch (error) {
    if (failedWith(error, 'NO_NODE')) return [];
    throw error;
  }
}

function show({ host, pid, command }: Partial<Identity>): string {
  if (host === undefined) return command ?? 'somebody unknown';
  return command === undefined ? `${host}:${pid}` : `${host}:${pid} (${command})`;
}
