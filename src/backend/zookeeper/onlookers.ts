import type { Stat } from 'node-zookeeper-client';
import type { Claim, Contender, Identity } from '../contract.js';
import { holdersOf, type QueueNode } from './contender-names.js';
import { excludesMode, keeperOf, type Marker, readMarkers } from './hold-markers.js';
import { inOrder } from './line.js';
import { decodeIdentity, decodeLimit, semaphoreQueuePath } from './node-data.js';
import { failedWith } from './operation-error.js';
import type { Session } from './session.js';

/** The children of a semaphore's node that are permits: kazoo's, and ours, are 32 hex digits. Others do not count. */
export function permitsOf(children: readonly string[]): string[] {
  return children.filter((name) => /^[0-9a-f]{32}$/.test(name));
}

/** Reads one contender's node; `undefined` when it is gone. */
async function readContender(
  session: Session,
  path: string,
  state: Contender['state'],
): Promise<(Contender & { readonly order: bigint }) | undefined> {
  try {
    const { data, stat } = await session.nodes.getData(path);
    const { host, pid, command } = decodeIdentity(data);
    const self = stat.ephemeralOwner.readBigUInt64BE() === session.id;
    return {
      state,
      host,
      pid,
      command,
      since: sinceOf(stat, state),
      self,
      order: stat.czxid.readBigInt64BE(),
    };
  } catch (error) {
    if (failedWith(error, 'NO_NODE')) return undefined;
    throw error;
  }
}

/** The last write to a holder's data is the one that confirmed its grant; a waiter waits since its node was made. */
function sinceOf(stat: Stat, state: Contender['state']): Date {
  return new Date(Number((state === 'holding' ? stat.mtime : stat.ctime).readBigInt64BE()));
}

async function readAll(
  session: Session,
  directory: string,
  names: readonly string[],
  state: Contender['state'],
): Promise<(Contender & { readonly order: bigint })[]> {
  const read = await Promise.all(names.map((name) => readContender(session, `${directory}/${name}`, state)));
  return read.filter((contender) => contender !== undefined);
}

/**
 * The holds that still bind, as far as the clock of this host can tell: for showing only. Where it differs from the
 * servers', they are shown for too long or not long enough.
 */
export async function readKept(session: Session, path: string): Promise<Marker[]> {
  const markers = await readMarkers(session.nodes, path);
  const now = new Date();
  return markers.filter(({ until }) => now < new Date(until));
}

/** The holders of a lock's queue: those who are there, and those who have ended and whose hold binds. */
export function lockHolders(queue: readonly QueueNode[], markers: readonly Marker[]) {
  const kept = keptOf(
    markers,
    queue.map(({ name }) => name),
  );
  // Whom a hold keeps out waits at the head of the line.
  const living = holdersOf(queue)
    .filter(({ kind }) => !kept.some((marker) => excludesMode(marker, kind)))
    .map(({ name }) => name);
  return {
    living,
    names: [...kept.map(({ name }) => name), ...living],
    async read(session: Session, directory: string): Promise<Contender[]> {
      const read = await readAll(session, directory, living, 'holding');
      return [...kept.map(keeperOf), ...read.map(withoutOrder)];
    },
  };
}

/** Those whose contenders are gone. */
export function keptOf(markers: readonly Marker[], living: readonly string[]): Marker[] {
  return markers.filter(({ name }) => !living.includes(name));
}

/** The holders of a semaphore's permits, oldest first. */
export async function readPermits(
  session: Session,
  path: string,
  children: readonly string[],
): Promise<Contender[]> {
  const holders = await readAll(session, path, permitsOf(children), 'holding');
  return holders.sort((a, b) => (a.order < b.order ? -1 : 1)).map(withoutOrder);
}

/** Everybody who contends for a resource, whatever its kind; none when it does not exist. */
export async function readContenders(session: Session, path: string): Promise<Contender[]> {
  // Asked in this order: of one who leaves meanwhile, its marker or itself is seen. Waited for together: what fails of one that
  // nobody waits for yet would end the program.
  const [{ data, children }, markers] = await Promise.all([readNode(session, path), readKept(session, path)]);
  if (typeof decodeLimit(data) === 'object') {
    return [
      ...keptOf(markers, children).map(keeperOf),
      ...(await readPermits(session, path, children)),
      ...(await readQueue(session, semaphoreQueuePath(path))),
    ];
  }
  const queue = await inOrder(session.nodes, path, children);
  const holders = lockHolders(queue, markers);
  const waiting = queue.map(({ name }) => name).filter((name) => !holders.living.includes(name));
  return [
    ...(await holders.read(session, path)),
    ...(await readAll(session, path, waiting, 'waiting')).map(withoutOrder),
  ];
}

/** A resource's node, as if it were empty when there is none: a hold may still be kept beside it. */
async function readNode(
  session: Session,
  path: string,
): Promise<{ data: Buffer | undefined; children: string[] }> {
  try {
    const reading = [session.nodes.getData(path), session.nodes.getChildren(path)] as const;
    const [{ data }, children] = await Promise.all(reading);
    return { data, children };
  } catch (error) {
    if (failedWith(error, 'NO_NODE')) return { data: undefined, children: [] };
    throw error;
  }
}

/** The queue for a semaphore's permits: all of them wait. */
async function readQueue(session: Session, directory: string): Promise<Contender[]> {
  try {
    const queue = await inOrder(session.nodes, directory, await session.nodes.getChildren(directory));
    const names = queue.map((node) => node.name);
    return (await readAll(session, directory, names, 'waiting')).map(withoutOrder);
  } catch (error) {
    if (failedWith(error, 'NO_NODE')) return [];
    throw error;
  }
}

function withoutOrder({ order: _, ...contender }: Contender & { readonly order: bigint }): Contender {
  return contender;
}

/** The line up to ourselves, as a waiter sees it in passing: of the others only the number is known. */
function lineUpTo(ahead: number, identity: Identity): Contender[] {
  const unknown = { host: undefined, pid: undefined, command: undefined, since: undefined };
  const others = Array.from(
    { length: ahead },
    (): Contender => ({ state: 'waiting', ...unknown, self: false }),
  );
  return [...others, { state: 'waiting', ...unknown, ...identity, self: true }];
}

/** Tells a waiter's listener who holds and where we stand, once each time that one of them changes. */
export class QueueReporter {
  readonly #claim: Claim;
  #told = '';

  constructor(claim: Claim) {
    this.#claim = claim;
  }

  /**
   * @param holders names that stand for the present holders
   * @param ahead how many wait before us
   * @param read reads the holders, asked only when something changed
   */
  async report(
    holders: readonly string[],
    ahead: number,
    read: () => Promise<readonly Contender[]>,
  ): Promise<void> {
    const now = `${ahead} ${holders.join(' ')}`;
    const { onQueue, identity } = this.#claim;
    if (onQueue === undefined || now === this.#told) return;
    this.#told = now;
    onQueue([...(await read()), ...lineUpTo(ahead, identity)]);
  }
}
