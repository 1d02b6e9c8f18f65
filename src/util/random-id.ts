import { readFileSync } from 'node:fs';
import { getBuiltinModule } from 'node:process';

/** A random UUID, another one at each reading: 122 bits of the kernel's (random(4)). */
const KERNEL_UUID = '/proc/sys/kernel/random/uuid';

/** 32 random hex digits. Not by `node:crypto` where that can be avoided: it takes 4 ms to load. */
export function randomId(): string {
  try {
    return readFileSync(KERNEL_UUID, 'latin1').trim().replaceAll('-', '');
  } catch {
    return getBuiltinModule('node:crypto').randomBytes(16).toString('hex');
  }
}
