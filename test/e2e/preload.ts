import { writeFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';

/**
 * JavaScript that runs inside of a supervisor at a moment of the test's choice: loaded into it with `NODE_OPTIONS`, it waits
 * for a file. The product needs no door for it.
 */
export interface Preload {
  readonly env: NodeJS.ProcessEnv;
  /** Now. */
  spring(): Promise<void>;
}

/** @param code a statement */
export async function preload(t: TestContext, code: string): Promise<Preload> {
  const dir = await scope(t).use(tempDir('preload'));
  const [file, trigger] = [dir.join('preload.cjs'), dir.join('now')];
  // A Node further down inherits NODE_OPTIONS: it is not for that.
  await writeFile(
    file,
    `const fs = require('node:fs');
if (process.argv[1]?.endsWith('lockex')) {
  const look = setInterval(() => {
    if (!fs.existsSync(${JSON.stringify(trigger)})) return;
    clearInterval(look);
    ${code}
  }, 5);
  look.unref();
}
`,
  );
  return { env: { NODE_OPTIONS: `--require ${file}` }, spring: () => writeFile(trigger, '') };
}
