import { sha256 } from '../../util/sha256.js';

/** The longest key that memcached takes, bytes (protocol.txt). */
const LONGEST = 250;

/** Visible ASCII: no blank and no control character may be in a key, and not every tool shows the rest. */
const VISIBLE = /^[\x21-\x7e]*$/;

/**
 * The key of a resource's lock: readable where memcached allows that, else a digest. The two begin differently, so that
 * no resource can be named like another one's digest; and neither is mistaken for what a cache keeps there.
 */
export function keyOf(resource: string): string {
  const readable = `lock:${resource}`;
  return readable.length <= LONGEST && VISIBLE.test(resource) ? readable : `lock#${sha256(resource)}`;
}
