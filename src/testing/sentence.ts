import type { Bench } from './bench.js';

/** One promise of the contract, said with the backend as subject. */
export interface Sentence {
  readonly title: string;
  readonly run: (bench: Bench) => Promise<void>;
}
