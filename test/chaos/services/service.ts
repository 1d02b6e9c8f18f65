import type { ServerFault } from '../plan.js';

/** A server process that can be broken and healed. */
export interface BreakableServer {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  kill(): Promise<unknown>;
  stop(): Promise<unknown>;
  launch(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): void;
}

/** A lock service of real servers, for contenders to fight over while it is broken. */
export interface ChaosService extends AsyncDisposable {
  readonly servers: readonly BreakableServer[];
  /** What can be done to its servers; none when they are not ours to break. */
  readonly faults: readonly ServerFault[];
  /** Whether its grants are numbered. */
  readonly fencing: boolean;
  /** Its URL, its servers reached by way of these addresses. */
  urlOf(addresses: readonly string[]): string;
  /** After all was healed, somebody holds within this, ms, the start of a command not counted. */
  recoveryMs(ttlMs: number): number;
  /** Those of its servers that a fault can strike now. */
  targetsOf(fault: ServerFault): Promise<readonly BreakableServer[]>;
  /** Cuts a server off from its peers, and undoes that. */
  cut(server: BreakableServer): void;
  heal(server: BreakableServer): void;
  /** Resolves when all servers serve. */
  serves(): Promise<void>;
  /** What is left of contenders for `resource`. */
  leftAt(resource: string): Promise<readonly string[]>;
}
