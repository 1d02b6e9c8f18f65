import { sha256 as digestOf } from '@noble/hashes/sha2.js';
import { encodeRaw } from './raw-text.js';

/**
 * SHA-256, in hex, of the bytes of texts one after the other (raw-text.ts): UTF-8, as a rule. Not by `node:crypto`, which takes 4 ms to load, before the
 * first request for a lock can be sent.
 */
export function sha256(...texts: readonly string[]): string {
  return Buffer.from(digestOf(encodeRaw(texts.join('')))).toString('hex');
}
