import type { Stat } from 'node-zookeeper-client';
import type { Claim, Contender, Identity } from '../contract.js';
import { holdersOf, type QueueNode, queueOf } from './contender-names.js';
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

/** The holders of a lock's queue. */
export async function readHolders(
  session: Session,
  directory: string,
  queue: readonly QueueNode[],
): Promise<Contender[]> {
  const names = holdersOf(queue).map((node) => node.name);
  return (await readAll(session, directory, names, 'holding')).map(withoutOrder);
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
  try {
    const [{ data }, children] = await Promise.all([
      session.nodes.getData(path),
      session.nodes.getChildren(path),
    ]);
    if (typeof decodeLimit(data) === 'object') {
      return [
        ...(await readPermits(session, path, children)),
        ...(await readQueue(session, semaphoreQueuePath(path))),
      ];
    }
    const queue = queueOf(children);
    const holding = holdersOf(queue);
    const waiting = queue.filter((node) => !holding.includes(node)).map((node) => node.name);
    return [
      ...(await readHolders(session, path, queue)),
      ...(await readAll(session, path, waiting, 'waiting')).map(withoutOrder),
    ];
  } catch (error) {
    if (failedWith(error, 'NO_NODE')) return [];
    throw error;
  }
}

/** The queue for a semaphore's permits: all of them wait. */
async function readQueue(session: Session, directory: string): Promise<Contender[]> {
  try {
    const names = queueOf(await session.nodes.getChildren(directory)).map((node) => node.name);
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
