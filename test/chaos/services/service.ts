import type { BreakableServer, LockService } from '../../helpers/lock-services/service.js';
import type { ServerFault } from '../plan.js';

/** A lock service for contenders to fight over while it is broken. */
export interface ChaosService extends Omit<LockService, 'deleteLock'> {
  /** What can be done to its servers; none when they are not ours to break. */
  readonly faults: readonly ServerFault[];
  /** Whether its grants are numbered. */
  readonly fencing: boolean;
  /** After all was healed, somebody holds within this, ms, the start of a command not counted. */
  recoveryMs(ttlMs: number): number;
  /** Those of its servers that a fault can strike now. */
  targetsOf(fault: ServerFault): Promise<readonly BreakableServer[]>;
  /** Cuts a server off from its peers, and undoes that. */
  cut(server: BreakableServer): void;
  heal(server: BreakableServer): void;
  /** What is left of contenders for `resource`. */
  leftAt(resource: string): Promise<readonly string[]>;
}
