import type { SignalName } from './child.js';

/** The command that a tree grew from. */
export interface Leader {
  readonly pid: number;
  readonly startTime: number;
  /** Aborts when the command has been reaped: from then on its number may belong to somebody else. */
  readonly ended: AbortSignal;
}

/** A process, as a log line names it. */
export interface Member {
  readonly pid: number;
  /** With the pid it names a process for good. */
  readonly startTime: number;
  readonly state: string;
  readonly command: string;
}

/** What one pass over a tree found. */
export interface Pass {
  /** The living members. */
  readonly members: readonly Member[];
  /** Processes of which cannot be told yet whether they are members. */
  readonly undecided: readonly Member[];
}

/** How the processes of a tree are found and reached on this host. */
export interface Tree {
  /** Hands a signal on to the command and what works with it. */
  forward(signal: SignalName): void;
  /**
   * One pass: finds the living members and sends each of them the signals, in this order, once each.
   * @throws the system's error when it cannot look; the signals then reached whom they could
   */
  sweep(...signals: readonly SignalName[]): Promise<Pass>;
  /** Does what a pass costs most for, and learns nothing from it: the next pass is quicker. Never throws. */
  rehearse(): void;
}
