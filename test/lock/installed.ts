import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Run, type RunOptions } from '../helpers/run.js';
import { type TempDir, tempDir } from '../helpers/temp.js';

const ROOT = join(import.meta.dirname, '..', '..');
const MODULES = join(ROOT, 'node_modules');

/** A directory in which lockex is installed from what `npm pack` makes of dist/. Needs `npm run build` before. */
export interface Installed extends AsyncDisposable {
  readonly path: string;
  /** The files of the package. */
  readonly files: readonly string[];
  /** Writes a program; returns its path. */
  write(name: string, text: string): string;
  /** Runs a program with Node. */
  node(args: readonly string[], options?: RunOptions): Run;
  /** Runs a program in TypeScript. */
  tsx(file: string, options?: RunOptions): Run;
  /** Says what is wrong with the types of the programs, as strictly as there is; empty if nothing is. */
  typeErrors(files: readonly string[]): Promise<string>;
}

/** The packages that lockex depends on are those of this clone: nothing is fetched. */
export async function install(): Promise<Installed> {
  const dir: TempDir = await tempDir('installed');
  const said = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', dir.path], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // The form of `npm pack --json`.
  const [packed] = JSON.parse(said) as [{ filename: string; files: { path: string }[] }];
  const lockex = dir.join('node_modules', 'lockex');
  mkdirSync(lockex, { recursive: true });
  execFileSync('tar', ['xzf', dir.join(packed.filename), '--strip-components=1', '-C', lockex]);
  for (const name of readdirSync(MODULES).filter((each) => !each.startsWith('.') && each !== 'lockex')) {
    symlinkSync(join(MODULES, name), dir.join('node_modules', name));
  }
  const write = (name: string, text: string) => {
    mkdirSync(dirname(dir.join(name)), { recursive: true });
    writeFileSync(dir.join(name), text);
    return dir.join(name);
  };
  const node = (args: readonly string[], options: RunOptions = {}) =>
    new Run(process.execPath, args, { cwd: dir.path, ...options });
  return {
    path: dir.path,
    files: packed.files.map(({ path }) => path),
    write,
    node,
    tsx: (file, options) => node(['--import', 'tsx', file], options),
    async typeErrors(files) {
      write('tsconfig.json', JSON.stringify({ compilerOptions: STRICT, files }));
      await using tsc = new Run(join(MODULES, '.bin', 'tsc'), ['-p', '.'], {
        cwd: dir.path,
        env: { PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
      });
      await tsc.exited;
      return tsc.stdout + tsc.stderr;
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

const STRICT = {
  target: 'ES2022',
  lib: ['ES2023', 'ESNext.Disposable', 'ESNext.Decorators'],
  module: 'NodeNext',
  strict: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: false,
  skipLibCheck: false,
  types: ['node'],
  noEmit: true,
};
