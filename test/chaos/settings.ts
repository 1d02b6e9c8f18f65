import {
  LINK_FAULTS,
  type LinkFault,
  PROCESS_FAULTS,
  type ProcessFault,
  SERVER_FAULTS,
  type ServerFault,
} from './plan.js';

export interface ChaosSettings {
  readonly seed: number;
  /** How long faults go on, ms. */
  readonly durationMs: number;
  readonly permits: number;
  readonly contenders: number;
  /** The session timeout that is asked for, ms. */
  readonly ttlMs: number;
  /** `--isolation` of lockex; its own choice unless told. */
  readonly isolation: string | undefined;
  readonly faults: {
    readonly processes: readonly ProcessFault[];
    readonly links: readonly LinkFault[];
    readonly servers: readonly ServerFault[];
  };
  /** A command for all runs, instead of one at random each: shape and mood of `hostile.pl`. */
  readonly command: { readonly shape: string; readonly mood: string } | undefined;
}

/** Everything there is, at five contenders for one permit. */
export const DEFAULTS: Omit<ChaosSettings, 'seed' | 'durationMs'> = {
  permits: 1,
  contenders: 5,
  ttlMs: 3000,
  isolation: undefined,
  faults: { processes: PROCESS_FAULTS, links: LINK_FAULTS, servers: SERVER_FAULTS },
  command: undefined,
};
