import type { Lease } from '../backend/contract.js';
import type { ExitStatus, SignalName } from '../child/child.js';
import type { LeaseLostError } from '../util/errors.js';
import type { Outcome } from './job.js';

/** Why a running command is being stopped, or why there is nothing left to stop. The first one that comes wins. */
export type Ending =
  | { readonly why: 'command-ended' }
  | { readonly why: 'told-to-stop'; readonly by: SignalName }
  | { readonly why: 'lease-lost'; readonly error: LeaseLostError }
  | { readonly why: 'bug'; readonly error: unknown };

/**
 * What to report once the tree is gone. A status that our own kill caused is never reported as the command's: a
 * command that we were told to stop and that chose a status by itself keeps it, one that died of what we sent
 * does not.
 * @param sent the signals that we sent to end the tree
 * @throws what `bug` carries
 */
export function outcomeOf(ending: Ending, status: ExitStatus, sent: ReadonlySet<SignalName>): Outcome {
  switch (ending.why) {
    case 'command-ended':
      return { how: 'command-ended', status };
    case 'lease-lost':
      return { how: 'lease-lost', error: ending.error };
    case 'told-to-stop':
      return status.how === 'killed' && typeof status.signal === 'string' && sent.has(status.signal)
        ? { how: 'told-to-stop', by: ending.by }
        : { how: 'command-ended', status };
    case 'bug':
      throw ending.error;
  }
}

/**
 * What a signal to lockex means while a command runs: end it, send it on, or nothing.
 * @param delivered the terminal has delivered it to the command as well: Ctrl-C is then the command's to answer,
 *   and an interactive one goes on
 */
export function meaningOf(name: SignalName, delivered: boolean): 'stop' | 'forward' | 'nothing' {
  if (name === 'SIGTERM') return 'stop';
  if (delivered) return 'nothing';
  return name === 'SIGINT' ? 'stop' : 'forward';
}

/** Signals that end lockex while it waits: there is no command that they could be meant for. */
export function endsWaiting(name: SignalName): boolean {
  return name === 'SIGTERM' || name === 'SIGINT' || name === 'SIGHUP' || name === 'SIGQUIT';
}

/**
 * Monotonic ms at which SIGKILL goes out if the lease is not renewed before; past when there is no time left, `Infinity`
 * for a lease that silence cannot lose.
 */
export function killTimeOf(lease: Pick<Lease, 'deadline' | 'budget'>): number {
  if (lease.budget === undefined) return lease.deadline();
  return lease.deadline() - (lease.budget.deadlineAfterMs - lease.budget.killAfterMs);
}
