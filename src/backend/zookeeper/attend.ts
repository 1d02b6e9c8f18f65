import { orAborted } from '../../util/abort.js';
import type { Clock, Timer } from '../../util/clock.js';
import { SIGNS_PER_TTL } from '../lease-budget.js';
import type { Nodes } from './nodes.js';
import type { Session } from './session.js';

/** What waiting needs of a session. */
type AttendedSession = Pick<Session, 'ttlMs' | 'over' | 'isConnected' | 'onReconnected' | 'persist'> & {
  readonly nodes: Pick<Nodes, 'exists'>;
};

/**
 * Looks, and looks again each time something may have changed, until there is something to return: after each
 * call of `wake`, each reconnect (watches may have fired unheard) and at the rhythm of the pings. Meanwhile it shows that
 * we live, as often as a holder does: so the leader has heard of us when it is our turn, and the lease counts in full
 * from its first write (`signs-of-life.ts`). That is the cheapest of reads: any server answers it by itself.
 *
 * @param look may be run again at any time; returns `undefined` to wait on. `wake` is the same function at every look
 * @throws what `look` throws, save lost connections; the reason of `signal`; the reason of the session's end
 */
export async function attend<T>(
  session: AttendedSession,
  clock: Clock,
  signal: AbortSignal,
  look: (wake: () => void) => Promise<T | undefined>,
): Promise<T> {
  let ring = (): void => {};
  const wake = () => ring();
  const forget = session.onReconnected(wake);
  // Once, and not at each look: who waits for a week would have a listener for each of them.
  session.over.addEventListener('abort', wake, { once: true });
  const stopShowing = showLife(session, clock);
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        ring = resolve;
      });
      const again = clock.setTimer(session.ttlMs / 3, wake);
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
    stopShowing();
    session.over.removeEventListener('abort', wake);
  }
}

/** @returns the way to stop that */
function showLife(session: AttendedSession, clock: Clock): () => void {
  let timer: Timer;
  const show = (): void => {
    timer = clock.setTimer(session.ttlMs / SIGNS_PER_TTL, show);
    // The root is always there. What fails was perhaps not heard, and counts for nothing.
    if (session.isConnected) session.nodes.exists('/').catch(() => {});
  };
  timer = clock.setTimer(session.ttlMs / SIGNS_PER_TTL, show);
  return () => timer.cancel();
}
