import { orAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import type { Session } from './session.js';

/**
 * Looks, and looks again each time something may have changed, until there is something to return: after each
 * call of `wake`, each reconnect (watches may have fired unheard) and at the rhythm in which a holder renews: so the
 * leader has heard of us when it is our turn, and the lease counts in full from its first write (`signs-of-life.ts`).
 *
 * @param look reads only; returns `undefined` to wait on. `wake` is the same function at every look
 * @throws what `look` throws, save lost connections; the reason of `signal`; the reason of the session's end
 */
export async function attend<T>(
  session: Pick<Session, 'ttlMs' | 'over' | 'onReconnected' | 'persist'>,
  clock: Clock,
  signal: AbortSignal,
  look: (wake: () => void) => Promise<T | undefined>,
): Promise<T> {
  let ring = (): void => {};
  const wake = () => ring();
  const forget = session.onReconnected(wake);
  // Once, and not at each look: who waits for a week would have a listener for each of them.
  session.over.addEventListener('abort', wake, { once: true });
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        ring = resolve;
      });
      const again = clock.setTimer(session.ttlMs / 12, wake);
      try {
        const found = await session.persist(() => look(wake), signal);
        if (found !== undefined) return found;
        await orAborted(woken, signal);
      } finally {
        again.cancel();
      }
      if (session.over.aborted) throw session.over.reason;
    }
  } finally {
    forget();
    session.over.removeEventListener('abort', wake);
  }
}
