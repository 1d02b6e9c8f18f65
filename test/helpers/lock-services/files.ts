import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tempDir } from '../temp.js';
import type { LockService } from './service.js';

/** A directory of lock files. */
export async function fileService(): Promise<LockService> {
  const dir = await tempDir('locks');
  return {
    servers: [],
    urlOf: () => pathToFileURL(dir.path).href,
    serves: async () => {},
    async deleteLock() {
      for (const name of readdirSync(dir.path)) rmSync(join(dir.path, name), { recursive: true });
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}
