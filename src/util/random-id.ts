import { getBuiltinModule } from 'node:process';

/**
 * 32 random hex digits: 128 bits, as a UUID has. `node:crypto` is loaded when this is first called: it takes 4 ms, and
 * is not needed before the first packets are on their way.
 */
export function randomId(): string {
  return getBuiltinModule('node:crypto').randomBytes(16).toString('hex');
}
