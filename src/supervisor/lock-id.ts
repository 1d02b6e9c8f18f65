import { sha256 } from '../util/sha256.js';

/**
 * The id of the lock of a command that was given none: SHA-256, in hex, of the bytes of its words, each followed by
 * NUL. A word cannot contain NUL, so that `a b` and `'a b'` differ, and equal words give the equal id on every
 * host and runtime. It never changes: two versions of lockex would not exclude each other.
 * @param words the command and its arguments, as they are run
 */
export function lockIdOf(words: readonly string[]): string {
  return sha256(...words.map((word) => `${word}\0`));
}
