/**
 * What every backend promises, as tests for `node --test`: for those who implement `LockBackend` themselves.
 *
 * @packageDocumentation
 */
export type { Bench, Contending, Ground, Setup } from './bench.js';
export type { Sentence } from './sentence.js';
export { check, contractSuite, sentences } from './suite.js';
export { until } from './until.js';
