import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Run } from '../helpers/run.js';
import { scope } from '../helpers/scope.js';
import { type TempDir, tempDir } from '../helpers/temp.js';

const ROOT = join(import.meta.dirname, '..', '..');

/** A project of a user's, with lockex and a client library of its own. */
export class Project {
  private constructor(
    private readonly t: TestContext,
    private readonly dir: TempDir,
  ) {}

  static async make(t: TestContext): Promise<Project> {
    const dir = await scope(t).use(tempDir('project'));
    await mkdir(dir.join('node_modules', '@types'), { recursive: true });
    await symlink(ROOT, dir.join('node_modules', 'lockex'));
    for (const name of ['ioredis', join('@types', 'node')]) {
      await symlink(join(ROOT, 'node_modules', name), dir.join('node_modules', name));
    }
    return new Project(t, dir);
  }

  /** Where it is. */
  get directory(): string {
    return this.dir.path;
  }

  /** Writes a program, and returns its path. */
  async write(name: string, text: string): Promise<string> {
    const path = this.dir.join(`${name}.mts`);
    await writeFile(path, text);
    return path;
  }

  /** Runs a program to its end. */
  async run(path: string): Promise<Run> {
    const args = ['--import', 'tsx', path];
    const run = await scope(this.t).use(new Run(process.execPath, args, { cwd: ROOT }));
    await run.exited;
    return run;
  }

  /** Lets the compiler look at programs, as strictly as it can. */
  async check(paths: readonly string[]): Promise<Run> {
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023'];
    const libraries = ['--lib', 'es2023,esnext.disposable,esnext.decorators', '--types', 'node'];
    const args = [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), ...options, ...libraries, ...paths];
    const run = await scope(this.t).use(new Run(process.execPath, args, { cwd: this.dir.path }));
    await run.exited;
    return run;
  }
}
