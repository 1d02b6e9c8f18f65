import { constants } from 'node:os';
import type { SignalName } from '../child/child.js';
import { endsWaiting } from '../supervisor/endings.js';
import type { SignalFeed } from '../supervisor/job.js';
import { abortAt, orAborted } from '../util/abort.js';
import { systemClock } from '../util/clock.js';
import { LockexError, ServiceUnreachableError, UsageError } from '../util/errors.js';
import { silentLog } from '../util/log.js';
import { connect } from './connect.js';
import { EXIT_STATUSES } from './exit-status.js';
import { hintOf } from './hint.js';
import type { VerifySettings } from './verify-settings.js';

/** How `lockex verify` ends, and what it says of that. */
export interface Verdict {
  readonly status: number;
  readonly said?: string;
}

/**
 * Asks the lock service whether the run around us still owns its lock.
 * @param bug aborts when something failed that nobody foresaw
 * @throws UsageError for options or evidence that cannot be used; the reason of `bug`
 */
export async function verify(
  settings: VerifySettings,
  signals: SignalFeed,
  bug: AbortSignal,
): Promise<Verdict> {
  const { asked, limitMs } = settings;
  if (asked === undefined) {
    const said =
      'verify: expected to be called by a command of lockex, got no LOCKEX_VERIFY in the environment';
    return { status: EXIT_STATUSES.usage.status, said };
  }
  let stoppedBy: SignalName | undefined;
  const stop = new AbortController();
  const unsubscribe = signals.subscribe((name) => {
    if (!endsWaiting(name)) return;
    stoppedBy ??= name;
    stop.abort(new ServiceUnreachableError(`told to stop by ${name}`));
  });
  const limit = abortAt(
    systemClock.now() + limitMs,
    systemClock,
    () => new ServiceUnreachableError(`no answer within ${limitMs / 1000} s`),
  );
  try {
    const ours = await ask(asked, settings, AbortSignal.any([stop.signal, limit.signal, bug]));
    if (ours) return { status: 0 };
    return notConfirmed('the lock is not ours any more');
  } catch (error) {
    if (stoppedBy !== undefined) return { status: 128 + constants.signals[stoppedBy] };
    if (!(error instanceof LockexError) || error instanceof UsageError) throw error;
    const hint = hintOf(error, asked);
    const why = `${error.message}${hint === undefined ? '' : ` (${hint})`}`;
    return notConfirmed(`it cannot be confirmed that the lock is still ours: ${why}`);
  } finally {
    limit.cancel();
    unsubscribe();
  }
}

/** In a session of its own: that of the run belongs to another process. */
async function ask(
  { url, evidence }: { readonly url: string; readonly evidence: string },
  { service }: VerifySettings,
  signal: AbortSignal,
): Promise<boolean> {
  const world = { clock: systemClock, log: silentLog, askOnly: true };
  await using backend = await connect(url, service, world, signal);
  return await orAborted(backend.owns(evidence, signal), signal);
}

function notConfirmed(said: string): Verdict {
  return { status: EXIT_STATUSES['lease-lost'].status, said: `verify: ${said}` };
}
