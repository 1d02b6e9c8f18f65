import type { IsolationLevel } from './isolation.js';

/** A signal's name, as Node spells it (`SIGTERM`). */
export type SignalName = NodeJS.Signals;

/** How a process ended. */
export type ExitStatus =
  /** By itself, with this exit code, 0 to 255. */
  | { readonly how: 'exited'; readonly code: number }
  /** A real-time signal has no name in Node, and is given by its number. */
  | { readonly how: 'killed'; readonly signal: SignalName | number };

/** What to run. The words reach the command byte for byte, those that are not UTF-8 (raw-text.ts) included; no shell. */
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

/**
 * What the guardian does when the tree is dead and we can no longer do it ourselves: it connects to the first of the
 * addresses that answers, sends the bytes, and waits for the word that it is done. Where that does not come, since a proxy has
 * no server behind it, say, it tries the next address. A lock that several servers keep has a farewell for each. Secret.
 */
export interface Farewell {
  /** Where to, tried in this order. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** What is sent, at once and in one piece. */
  readonly bytes: Buffer;
  /**
   * Finds, in all that a server has answered so far, that it has done it. The bytes are read as Latin-1, and `.` is any of
   * them. Perl has to understand it, too; flags other than `s` do not count.
   */
  readonly taken: RegExp;
  /** By TLS, with this material. */
  readonly tls?: TlsMaterial;
}

/** Whom a farewell by TLS trusts, and what it shows; PEM. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** What to start, and what for. */
export interface Order {
  readonly command: Command;
  /** The whole environment of the command; the mark of the tree is added to its `LOCKEX_TREE`. */
  readonly env: NodeJS.ProcessEnv;
  /** When SIGKILL is due if nothing more is heard from us, ms of the clock; `Infinity` for never. */
  readonly killAt: number;
}

/**
 * All is ready to start a command, above all the guardian: the process that ends the tree when we no longer can. It is
 * made before the lock is ours, so that nobody waits for it then.
 */
export interface Stage {
  readonly level: IsolationLevel;
  /** The mark that the tree will carry: 32 random hex digits. */
  readonly treeId: string;
  /** What the guardian is to say if we die from now on, whether a command was started or not. */
  entrust(farewells: readonly Farewell[]): void;
  /** @throws CommandError `not-found` or `not-executable`: nothing was started; the message names the file, the hint
   *   says what to do */
  spawn(order: Order): Promise<Child>;
  /** The tree is gone and the lock given back, or nothing was ever started: the guardian may go. Never rejects. */
  dismiss(): Promise<void>;
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
  /** Tells the guardian of a renewal: SIGKILL is due at `killAt` now, ms of the clock. */
  keep(killAt: number): void;
  /** Aborts when there is no guardian any more who would end the tree if we died; the reason, an Error, says why. */
  readonly unguarded: AbortSignal;
}
