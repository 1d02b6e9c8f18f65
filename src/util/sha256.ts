import { getBuiltinModule } from 'node:process';

/**
 * SHA-256, in hex, of texts one after the other, as UTF-8. `node:crypto` is loaded when this is first called: it
 * takes 4 ms, and is not needed before the first packets are on their way.
 */
export function sha256(...texts: readonly string[]): string {
  const hash = getBuiltinModule('node:crypto').createHash('sha256');
  for (const text of texts) hash.update(text, 'utf8');
  return hash.digest('hex');
}
