/**
 * The names of queue nodes, as kazoo, Curator and go-zookeeper write them, and the order among them.
 * Pure: what a directory listing means, without a server.
 */

/** `exclusive` is excluded by everybody before it, `shared` by exclusive contenders before it. */
export type NodeKind = 'exclusive' | 'shared';

/** A child of a lock's directory that contends for the lock. */
export interface QueueNode {
  readonly name: string;
  readonly kind: NodeKind;
  /** The server's number: a signed 32-bit counter that wraps. */
  readonly sequence: number;
}

/** kazoo's `Lock` and `ReadLock`; a fleet can leave the Python lockex host by host because of these names. */
export const NODE_INFIX: Readonly<Record<NodeKind, string>> = { exclusive: '__lock__', shared: '__rlock__' };

/**
 * ZooKeeper writes the number as `%010d`: ten digits, or a sign and nine or ten. `-lock-` is Curator's and
 * go-zookeeper's. Whatever looks like a contender counts as one, whoever made it: in doubt, we wait.
 */
const CONTENDER = /(__lock__|__rlock__|-lock-)(\d{10}|-\d{9,10})$/;

/** Reads a child's name; `undefined` for what is no contender, such as a foreign or malformed node. */
export function parseNode(name: string): QueueNode | undefined {
  const match = CONTENDER.exec(name);
  if (match === null) return undefined;
  const sequence = Number(match[2]);
  if (sequence !== (sequence | 0)) return undefined;
  return { name, kind: match[1] === NODE_INFIX.shared ? 'shared' : 'exclusive', sequence };
}

/**
 * Who came first, by number and never by name, across the wrap from 2147483647 to -2147483648: serial number
 * arithmetic (RFC 1982) over 32 bits, right as long as the living contenders are less than 2^31 numbers apart.
 */
export function bySequence(a: QueueNode, b: QueueNode): number {
  return (a.sequence - b.sequence) | 0;
}

/** The last number of a server's counter. */
const LAST = 2 ** 31 - 1;

/**
 * Whether the numbers tell who came first. ZooKeeper's manual has the counter go on below zero when it has come to its end,
 * and 3.4 does so. 3.8 (as measured) stays: one after the other is given the last number, and only those that come
 * together are given others, from the lowest on, each time anew. It begins again with a new directory.
 */
export function tellOrder(queue: readonly QueueNode[]): boolean {
  return queue.every(({ sequence }) => sequence >= 0 && sequence < LAST);
}

/** The contenders among the children of a lock's directory, first come first as far as {@link tellOrder} their numbers. */
export function queueOf(children: readonly string[]): QueueNode[] {
  return children.flatMap((name) => parseNode(name) ?? []).sort(bySequence);
}

/** Where a contender stands. */
export type Turn =
  | { readonly turn: 'ours' }
  /** `behind` is the one node whose end can bring our turn nearer: the only one that is watched. */
  | { readonly turn: 'wait'; readonly behind: string }
  /** Our node is not there. */
  | { readonly turn: 'gone' };

/** Whose turn it is, as seen by the contender whose node is `own`. */
export function turnOf(queue: readonly QueueNode[], own: string): Turn {
  const at = queue.findIndex((node) => node.name === own);
  const self = queue[at];
  if (self === undefined) return { turn: 'gone' };
  const behind = queue.slice(0, at).findLast((node) => excludes(node, self));
  return behind === undefined ? { turn: 'ours' } : { turn: 'wait', behind: behind.name };
}

/** The contenders that hold the lock: the first, and with a shared one all shared ones that follow it directly. */
export function holdersOf(queue: readonly QueueNode[]): QueueNode[] {
  return queue.filter((node, at) => !queue.slice(0, at).some((earlier) => excludes(earlier, node)));
}

function excludes(earlier: QueueNode, later: QueueNode): boolean {
  return later.kind === 'exclusive' || earlier.kind === 'exclusive';
}
