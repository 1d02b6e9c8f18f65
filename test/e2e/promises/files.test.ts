import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tempDir } from '../../helpers/temp.js';
import { failureTests } from './failures.js';
import { SERVICES } from './promises.js';

failureTests('files', SERVICES.files, 4, async () => {
  const dir = await tempDir('promises');
  return {
    servers: [],
    urlOf: () => pathToFileURL(dir.path).href,
    serves: async () => {},
    async deleteLock() {
      for (const name of readdirSync(dir.path)) rmSync(join(dir.path, name), { recursive: true });
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
});
