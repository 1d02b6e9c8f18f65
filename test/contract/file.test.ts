import { readdirSync } from 'node:fs';
import { openFile } from '../../src/backend/file/index.js';
import { contractSuite } from '../../src/testing/suite.js';
import { systemClock } from '../../src/util/clock.js';
import { silentLog } from '../../src/util/log.js';
import { helpersOf, keeperOfHolder } from '../helpers/file-backend.js';
import { tempDir } from '../helpers/temp.js';

contractSuite('the file backend', async () => {
  const dir = await tempDir('contract-file');
  return {
    open: () => openFile(dir.path, { clock: systemClock, log: silentLog }),
    sabotage: async () => void process.kill(keeperOfHolder(dir.path), 'SIGKILL'),
    residue: async () => [...readdirSync(dir.path), ...helpersOf(dir.path).map(String)],
    cleanup: async () => dir[Symbol.asyncDispose](),
  };
});
