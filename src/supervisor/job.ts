import type { Claim, Contender, LockBackend } from '../backend/contract.js';
import type { Command, ExitStatus, SignalName, Stage } from '../child/child.js';
import type { Clock } from '../util/clock.js';
import type { LeaseLostError } from '../util/errors.js';
import type { Log } from '../util/log.js';

/** How long to wait for the permit. */
export type Waiting =
  | { readonly how: 'once' }
  | { readonly how: 'blocking'; readonly limitMs: number | undefined };

/** What a user asked for: one command under one claim. */
export interface Job {
  readonly claim: Claim;
  /** The lock's id, the last part of the resource. */
  readonly lockId: string;
  readonly waiting: Waiting;
  /** How often to take a place in line before giving up, when sessions end while waiting; `Infinity` for always. */
  readonly attempts: number;
  readonly command: Command;
  /** The environment that the command's is made from. */
  readonly env: NodeJS.ProcessEnv;
  readonly stopSignal: SignalName;
  /** Grace between the stop signal and SIGKILL while the lease is healthy, ms. */
  readonly killAfterMs: number;
  /** Says who has the permit, for the line that tells one who did not want to wait that it was not free. */
  readonly describe?: (contenders: readonly Contender[]) => string;
}

/** The signals that lockex itself was sent. */
export interface SignalFeed {
  /** Calls `listener` for each signal until the returned function is called. */
  subscribe(listener: (name: SignalName) => void): () => void;
  /** Whether the terminal has delivered this signal to the command, too: we share its foreground group. */
  deliveredByTerminal(name: SignalName): boolean;
  /** Whether the keys of a terminal reach our process group. */
  inForeground(): boolean;
}

/** The outside, handed in. */
export interface World {
  /** Opens a session with the lock service. */
  connect(signal: AbortSignal): Promise<LockBackend>;
  /** Where the command will run; it is dismissed when all is over. */
  readonly stage: Stage;
  /** Called right before the command is started: from now on, terminal and signals are its own. */
  handOver(): Promise<void>;
  /** Aborts when lockex itself failed in a way that nobody foresaw; the tree is then killed before the exit. */
  readonly bug: AbortSignal;
  readonly signals: SignalFeed;
  readonly clock: Clock;
  readonly log: Log;
}

/** How a job ended whose command was started, or that was told to stop before. Other endings are thrown. */
export type Outcome =
  /** The command ended by itself, or by a signal that was not of our making. */
  | { readonly how: 'command-ended'; readonly status: ExitStatus }
  /** We were told to stop by this signal, and the command, if it ran, did not choose a status of its own. */
  | { readonly how: 'told-to-stop'; readonly by: SignalName }
  /** The lock was lost, and the command, all of its tree, stopped for it. */
  | { readonly how: 'lease-lost'; readonly error: LeaseLostError };
