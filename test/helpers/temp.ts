import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of a test's own. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** A path in it. */
  join(...parts: string[]): string;
}

/** Makes an empty directory under the system's temporary one; disposing of it removes it with all it holds. */
export async function tempDir(name = 'test'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `lockex-${name}-${process.pid}-`));
  return {
    path,
    join: (...parts) => join(path, ...parts),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
