import { readFileSync } from 'node:fs';
import { codeOf } from '../util/errors.js';

/** The version of this package: that of the nearest package.json above, from the source as from the bundle. */
export function readVersion(): string {
  for (const up of ['..', '../..']) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(`${up}/package.json`, import.meta.url), 'utf8'));
      return String(version);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
  throw new Error('there is no package.json above lockex');
}
