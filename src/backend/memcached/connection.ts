import type { MemcacheNode } from 'memcache';
import { abortAt, delay, orAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import {
  messageOf,
  NotPermittedError,
  ServiceUnreachableError,
  SessionLostError,
  UsageError,
} from '../../util/errors.js';
import type { Log } from '../../util/log.js';
import { type Server, showServer } from '../address.js';
import { OUT_OF_REACH } from '../hints.js';
import type { OpenOptions } from '../open-options.js';
import { Link } from './link.js';

/** Makes the library's side of one connection, not connected yet. */
export type MakeNode = (server: Server) => MemcacheNode;

/** Between two attempts to connect, ms. */
const RETRY_MS = 200;

/** The way to one server, through one link at a time. Nothing is sent twice, and nothing is kept to be sent later. */
export class Connection {
  readonly #makeNode: MakeNode;
  readonly #clock: Clock;
  readonly #log: Log;
  #node: MemcacheNode | undefined;
  #link: Promise<Link> | undefined;
  #closed = false;
  #warned = false;

  constructor(
    readonly server: Server,
    makeNode: MakeNode,
    { clock, log }: { readonly clock: Clock; readonly log: Log },
  ) {
    this.#makeNode = makeNode;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Lets `work` ask the server. When it fails, or `signal` aborts, the link is given up with all that was asked over
   * it: a server that answers late must not be believed, and not be asked behind what it has not answered.
   */
  async use<T>(work: (link: Link) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#closed) throw new SessionLostError('the session has ended; open another');
    this.#link ??= this.#open();
    const link = this.#link;
    try {
      return await orAborted(link.then(work), signal);
    } catch (error) {
      if (this.#link === link) this.#drop();
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #drop(): void {
    void this.#node?.disconnect();
    this.#node = undefined;
    this.#link = undefined;
  }

  async #open(): Promise<Link> {
    const node = this.#makeNode(this.server);
    this.#node = node;
    // Whoever asks something hears of it by what was asked.
    node.on('error', () => {});
    const link = await Link.open(node, this.#clock);
    const { evictions } = link.facts;
    if (evictions > 0 && !this.#warned) {
      this.#warned = true;
      this.#log.warn(
        { evictions },
        `memcached ${showServer(this.server)} has thrown out ${evictions} keys for want of memory: ` +
          'it may throw out a lock, whose holder is then stopped',
      );
    }
    return link;
  }
}

/** Whether asking again is of no use. */
export function isFinal(error: unknown): boolean {
  return (
    error instanceof UsageError || error instanceof NotPermittedError || error instanceof SessionLostError
  );
}

/**
 * Waits until one of the servers answers, each tried in turn.
 * @throws ServiceUnreachableError when none does within the limits; NotPermittedError, UsageError at once
 */
export async function reach(
  connections: readonly Connection[],
  {
    connectLimitMs,
    connectAttempts,
    clock,
  }: Pick<OpenOptions, 'connectLimitMs' | 'connectAttempts' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  const limit = abortAt(clock.now() + connectLimitMs, clock, () => new Error('no answer'));
  const either = AbortSignal.any([signal, limit.signal]);
  // One that is silent leaves time for the others.
  const eachMs = connectLimitMs / Math.min(connections.length, connectAttempts);
  let last: unknown;
  try {
    for (let attempt = 0; attempt < connectAttempts && !either.aborted; attempt += 1) {
      const connection = connections[attempt % connections.length];
      const late = abortAt(clock.now() + eachMs, clock, () => new Error('no answer'));
      try {
        return await connection?.use(async () => {}, AbortSignal.any([either, late.signal]));
      } catch (error) {
        if (signal.aborted || isFinal(error)) throw error;
        last = error;
      } finally {
        late.cancel();
      }
      await delay(RETRY_MS, clock, either).catch(() => {});
    }
  } finally {
    limit.cancel();
  }
  signal.throwIfAborted();
  const names = connections.map(({ server }) => showServer(server)).join(',');
  throw new ServiceUnreachableError(
    `expected memcached at ${names} to answer within ${connectLimitMs / 1000} s, got ${messageOf(last)}`,
    { cause: last, ...OUT_OF_REACH },
  );
}

/**
 * Asks once more when the link turns out to have ended, as it has when the server was restarted since.
 * @throws ServiceUnreachableError when there is no answer to the second one either
 */
export async function asked<T>(
  connection: Connection,
  options: Pick<OpenOptions, 'connectLimitMs' | 'connectAttempts' | 'clock'>,
  ask: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  for (let again = false; ; again = true) {
    await reach([connection], options, signal);
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      if (!again) continue;
      const name = showServer(connection.server);
      throw new ServiceUnreachableError(`expected memcached at ${name} to answer, got ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}
