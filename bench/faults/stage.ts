import type { Run } from '../../test/helpers/run.js';
import type { Place } from './witness.js';

/** The session timeout of everybody, s. */
export const SESSION_S = 4;

/** A lock service with its network, and how its lock runner is started there. */
export interface Stage extends AsyncDisposable {
  /** Starts a contender for a lock; the holder's way to the service is the one that can be cut. */
  contend(place: Place, lock: string, command: readonly string[]): Promise<Run>;
  /** Waits until the second one is in line. */
  inLine(next: Run, lock: string): Promise<void>;
  /** From now on packets between the holder and the service vanish. */
  cut(): void;
  /** Undoes `cut`. */
  heal(): void;
}

/** Where the network is cut: before the holder, or between its server and the others. */
export type Network = 'link' | 'follower';

/** A lock runner that is measured. */
export interface Runner {
  /** With its version. */
  readonly name: string;
  /** Nothing for a network that it cannot be tried on. */
  readonly stages: { readonly [network in Network]?: () => Promise<Stage> };
  /** Whether its commands have a guardian, and two at once or anything left is a failure. */
  readonly ours: boolean;
}
