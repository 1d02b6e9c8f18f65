import { sha256 as digestOf } from '@noble/hashes/sha2.js';

/**
 * SHA-256, in hex, of texts one after the other, as UTF-8. Not by `node:crypto`, which takes 4 ms to load, before the
 * first request for a lock can be sent.
 */
export function sha256(...texts: readonly string[]): string {
  return Buffer.from(digestOf(Buffer.from(texts.join('')))).toString('hex');
}
