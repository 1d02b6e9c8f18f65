import type { Bench } from './bench.js';

/** One promise of the contract, said with the backend as subject. */
export interface Sentence {
  /** What follows the name of a backend. */
  readonly title: string;
  /** Rejects when the backend does not keep it. */
  readonly run: (bench: Bench) => Promise<void>;
}
