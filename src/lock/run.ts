import { env as environment } from 'node:process';
import type { Contender } from '../backend/contract.js';
import type { Command, SignalName } from '../child/child.js';
import type { IsolationLevel } from '../child/isolation.js';
import { prepareStage } from '../child/stage.js';
import { hasControllingTerminal } from '../child/terminal.js';
import type { Job, Outcome, Waiting } from '../supervisor/job.js';
import { lockIdOf } from '../supervisor/lock-id.js';
import { supervise } from '../supervisor/supervise.js';
import { type Duration, millisecondsOf } from '../util/duration.js';
import { silentLog } from '../util/log.js';
import { printable, SHOWN_COMMAND, showWords } from '../util/words.js';
import { AbortFeed } from './abort-feed.js';
import { identityOfProgram } from './identity.js';
import { guarded } from './onlooker.js';
import { type LockSettings, optionalMs } from './options.js';
import { resourceOf } from './resource.js';
import { checkRun } from './run-check.js';
import type { Sessions } from './sessions.js';

/** How to run a command under a lock. What is not said is as on the command line. */
export interface RunOptions {
  /** The lock's name; the SHA-256 of the command and its arguments if absent, as on the command line. */
  readonly lock?: string | undefined;
  /** How many may hold it at once; 1 if absent. */
  readonly permits?: number | undefined;
  /** As a reader: beside other readers, never beside one who is none. */
  readonly shared?: boolean | undefined;
  /** How long to wait for the lock; as `connect` was told if absent, and 0 for not at all. */
  readonly timeout?: Duration | undefined;
  /** How often to take a place in line, when the session ends while waiting, from 1; 1 if absent, `Infinity` for always. */
  readonly attempts?: number | undefined;
  /** Stops the command, or the waiting for the lock; the outcome is `told-to-stop`. */
  readonly signal?: AbortSignal | undefined;
  /** The environment that the command's is made from; ours if absent. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** What asks the command to stop; `SIGTERM` if absent. */
  readonly stopSignal?: SignalName | undefined;
  /** From the stop signal to SIGKILL; `'10s'` if absent. */
  readonly killAfter?: Duration | undefined;
  /** The same when the lock is being lost; as `connect` was told if absent. */
  readonly lossGrace?: Duration | undefined;
  /** Minimum hold: as of `Lock.acquire`. */
  readonly hold?: Duration | undefined;
  /** How the processes of the command are held together; the strongest way that works here if absent. */
  readonly isolation?: IsolationLevel | undefined;
  /** Called when the wait begins, and again each time the holders or our place in line are seen to change: as of `Lock.acquire`. */
  readonly onQueue?: ((contenders: readonly Contender[]) => void) | undefined;
}

const KILL_AFTER = '10s';

/** Runs the command in a session of its own, which the guardian may end when we have died. */
export async function runCommand(
  settings: LockSettings,
  sessions: Sessions,
  command: Command,
  options: RunOptions,
): Promise<Outcome> {
  const { clock, log } = settings;
  checkRun(command, options);
  const { onQueue, failed } = guarded(options.onQueue);
  // A backend that has nobody to tell need not look.
  const job = jobOf(settings, command, options.onQueue === undefined ? options : { ...options, onQueue });
  const stops = options.signal === undefined ? [] : [options.signal];
  const signals = new AbortFeed([sessions.closing, failed, ...stops]);
  try {
    const stage = prepareStage({
      isolation: options.isolation ?? 'auto',
      group: hasControllingTerminal() ? 'shared' : 'own',
      logFormat: log === silentLog ? 'silent' : 'json',
      clock,
      log,
    });
    const outcome = await supervise(job, {
      connect: (signal) => sessions.openOwn(signal),
      stage,
      handOver: async () => {},
      // What nobody foresaw in this process is the program's to answer.
      bug: new AbortController().signal,
      signals,
      clock,
      log,
    });
    // It was what stopped the command.
    failed.throwIfAborted();
    return outcome;
  } finally {
    signals.end();
  }
}

function jobOf(settings: LockSettings, command: Command, options: RunOptions): Job {
  const words = [command.file, ...command.args];
  const lockId = options.lock ?? lockIdOf(words);
  const limitMs = optionalMs('timeout', options.timeout, 0) ?? settings.timeoutMs;
  const waiting: Waiting = limitMs === 0 ? { how: 'once' } : { how: 'blocking', limitMs };
  const lossGraceMs = optionalMs('lossGrace', options.lossGrace, 0) ?? settings.lossGraceMs;
  const holdMs = optionalMs('hold', options.hold, 0);
  return {
    claim: {
      resource: resourceOf(settings.namespace, lockId),
      permits: options.permits ?? 1,
      mode: options.shared === true ? 'shared' : 'exclusive',
      identity: { ...identityOfProgram(), command: printable(showWords(words), SHOWN_COMMAND) },
      ...(options.onQueue === undefined ? {} : { onQueue: options.onQueue }),
      ...(lossGraceMs === undefined ? {} : { lossGraceMs }),
      ...(holdMs === undefined ? {} : { holdMs }),
    },
    lockId,
    waiting,
    attempts: options.attempts ?? 1,
    command,
    env: options.env ?? environment,
    stopSignal: options.stopSignal ?? 'SIGTERM',
    killAfterMs: millisecondsOf('killAfter', options.killAfter ?? KILL_AFTER, 0),
  };
}
