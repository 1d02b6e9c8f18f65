import type { Log } from '../util/log.js';

/** A signal's name, as Node spells it (`SIGTERM`). */
export type SignalName = NodeJS.Signals;

/** How a process ended. */
export type ExitStatus =
  | { readonly how: 'exited'; readonly code: number }
  | { readonly how: 'killed'; readonly signal: SignalName };

/** What to run. The arguments reach the command byte for byte; no shell. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * How the tree stands to the terminal.
 * - `shared`: there is a controlling terminal; the command is in our process group, so that the shell's job
 *   control and the terminal's keys reach it as if we were not there
 * - `own`: there is none; the command leads a session and a group of its own
 */
export type Group = 'shared' | 'own';

export interface SpawnOptions {
  readonly command: Command;
  /** The whole environment of the command; `treeId` is added to its `LOCKEX_TREE`. */
  readonly env: NodeJS.ProcessEnv;
  /** The mark of this run's tree: 32 random hex digits, made by the supervisor. */
  readonly treeId: string;
  readonly group: Group;
  readonly log: Log;
}

/**
 * A command and its tree: all its descendants, those that outlive it and those that went off into a session of
 * their own included.
 */
export interface Child {
  readonly pid: number;
  readonly group: Group;
  /** The command itself ended. Its descendants may live on: `stop` is what ends the tree. */
  readonly exited: Promise<ExitStatus>;
  /**
   * Hands a signal on. A command with a group of its own gets it as a group, as from a terminal; what went off
   * into another group or session does not. In a group that is shared with us, each member of the tree gets it,
   * and we do not. Never to a process that has been reaped; never throws.
   */
  signal(name: SignalName): void;
  /** Whether the command itself is stopped (state T), as far as can be told; not its descendants. */
  isSuspended(): boolean;
  /**
   * Ends the tree: sends `signal`, and SIGCONT for what is stopped, to all of it; and SIGKILL, again and again,
   * to whatever is left once `patience` has aborted. With a patience that has aborted already, it is SIGKILL at
   * once. Resolves when the tree is proven gone and the command reaped, with no delay when nothing is left;
   * never rejects. While a tree cannot be killed it says so in the log every few seconds, and goes on.
   *
   * A further call can only shorten the patience: its signal is not sent, since many a program takes a second
   * SIGTERM for "at once, without cleaning up". All calls resolve together.
   */
  stop(signal: SignalName, patience: AbortSignal): Promise<void>;
}
