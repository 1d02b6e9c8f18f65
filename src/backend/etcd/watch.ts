import type { IEvent, IKeyValue, IWatchResponse } from 'etcd3';
import { delay, whenAborted } from '../../util/abort.js';
import { plainly } from './failure.js';
import { type KeyRange, type Look, look, rangeOf } from './look.js';
import type { Session } from './session.js';

/** Looks at the keys of a range, which must not be kept; says whether it has seen enough. */
export type Visit = (keys: ReadonlyMap<string, IKeyValue>) => boolean;

/** Before a watch that ended is begun again, ms: one that always ends at once must not make us busy. */
const AGAIN_AFTER_MS = 100;

/**
 * Shows `visit` the keys of a range, and again after each change of them, in order and with none left out, until it has
 * seen enough. A watch goes on from the revision that was read; when it ends, with its connection or because the history
 * that it needs was compacted away, the range is read afresh. So it is once a time to live in any case: servers have lost
 * events of watches that went on (etcd before 3.4.31 and 3.5.13, after a compaction), and nobody is to wait for ever for one.
 * @param first what has been read already
 * @throws what `visit` throws, the reason of `signal`, and what `Session.persist` throws
 */
export async function follow(
  session: Session,
  range: KeyRange,
  first: Look,
  visit: Visit,
  signal: AbortSignal,
): Promise<void> {
  for (let now = first; ; now = await look(session, range, signal)) {
    signal.throwIfAborted();
    if (visit(now.keys) || (await watch(session, range, now, visit, signal))) return;
    await delay(AGAIN_AFTER_MS, session.clock, signal);
  }
}

/** Resolves to whether `visit` has seen enough; to false when the watch ended before. */
async function watch(session: Session, range: KeyRange, from: Look, visit: Visit, signal: AbortSignal) {
  const keys = new Map(from.keys);
  const { over } = session.connection;
  const stream = await session.attempt((client) => client.watchClient.watch()).catch(() => undefined);
  if (stream === undefined) return false;
  const forget: (() => void)[] = [];
  try {
    return await new Promise<boolean>((resolve, reject) => {
      const broken = (why: string) => {
        session.log.debug({ reason: why }, 'a watch on etcd ended; reading again');
        resolve(false);
      };
      forget.push(
        whenAborted(signal, () => reject(signal.reason)),
        whenAborted(over, () => broken('its connection was given up')),
      );
      const again = session.clock.setTimer(session.ttlMs, () => resolve(false));
      forget.push(() => again.cancel());
      stream.on('error', (error) => broken(plainly(error)));
      stream.on('end', () => broken('the server ended it'));
      stream.on('data', (response: IWatchResponse) => {
        if (response.canceled) return broken(response.cancel_reason || 'the history was compacted');
        if (response.events.length === 0) return;
        try {
          for (const event of response.events) apply(event, keys);
          if (visit(keys)) resolve(true);
        } catch (error) {
          reject(error);
        }
      });
      const start = { ...rangeOf(range), start_revision: String(from.revision + 1n) };
      stream.write({ create_request: start });
    });
  } finally {
    for (const one of forget) one();
    // In this order: the library takes the error of a stream that can still be written to, such as that it was cancelled,
    // for a failure of the server, and drops all its connections to it.
    stream.end();
    stream.cancel();
  }
}

function apply({ type, kv }: IEvent, keys: Map<string, IKeyValue>): void {
  if (type === 'Delete') keys.delete(kv.key.toString());
  else keys.set(kv.key.toString(), kv);
}
