import { abortAt, delay, orAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import { NotPermittedError, ServiceUnreachableError } from '../../util/errors.js';
import { showServer } from '../address.js';
import { OUT_OF_REACH_OR_TLS, TLS_REFUSED } from '../hints.js';
import type { Connections } from './connections.js';
import { failureOf, isTlsRefusal, NoAnswerError, plainly } from './failure.js';
import type { Session } from './session.js';

/** Between two attempts, ms. */
const PAUSE_MS = 100;

/** The least that a server is given to answer in, ms. */
const SHORTEST_ATTEMPT_MS = 500;

export interface ConnectOptions {
  /** Limit for all of it, ms. */
  readonly connectLimitMs: number;
  /** Limit for the attempts, one server each. */
  readonly connectAttempts: number;
  readonly clock: Clock;
  /** What is asked for; it need not be there. */
  readonly anyKey: string;
}

/**
 * Asks one server after the other until one answers for a quorum.
 * @throws ServiceUnreachableError, NotPermittedError; the reason of `signal`
 */
export async function connect(
  session: Session,
  connections: Connections,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, connectLimitMs } = options;
  const end = abortAt(clock.now() + connectLimitMs, clock, () => new NoAnswerError('no answer in time'));
  try {
    await tryAll(session, connections, options, AbortSignal.any([signal, end.signal]));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    end.cancel();
  }
}

async function tryAll(
  session: Session,
  connections: Connections,
  { connectLimitMs, connectAttempts, clock, anyKey }: ConnectOptions,
  signal: AbortSignal,
): Promise<void> {
  const range = { key: Buffer.from(anyKey), keys_only: true };
  // A share of the time for each server, so that one that is silent does not use it up.
  const limitMs = Math.max(SHORTEST_ATTEMPT_MS, connectLimitMs / (connections.servers.length + 1));
  const failures = new Map<string, unknown>();
  for (let attempt = 1; ; attempt += 1) {
    const { server: asked } = session.connection;
    const server = asked === undefined ? 'etcd' : showServer(asked);
    try {
      await orAborted(
        session.attempt(async (client, call) => {
          const { header } = await client.kv.range(range, call);
          session.heard(client, header);
        }, limitMs),
        signal,
      );
      return;
    } catch (error) {
      // It knows us; what we may do is seen at the keys of a lock.
      if (error instanceof NotPermittedError && error.message.includes('permission denied')) return;
      if (failureOf(error) !== 'passing') throw error;
      if (!signal.aborted || !failures.has(server)) failures.set(server, error);
    }
    if (failures.size === connections.servers.length && [...failures.values()].every(isTlsRefusal)) {
      throw new NotPermittedError(`no TLS with etcd: ${tell(failures)}`, TLS_REFUSED);
    }
    if (signal.aborted || attempt >= connectAttempts) throw unreachable(failures);
    await delay(PAUSE_MS, clock, signal).catch(() => {});
    if (signal.aborted) throw unreachable(failures);
  }
}

function unreachable(failures: ReadonlyMap<string, unknown>): ServiceUnreachableError {
  return new ServiceUnreachableError(`no etcd session: ${tell(failures)}`, OUT_OF_REACH_OR_TLS);
}

function tell(failures: ReadonlyMap<string, unknown>): string {
  return [...failures].map(([server, error]) => `${server}: ${plainly(error)}`).join('; ');
}
