// Builds dist/: the command line and V8's code of it, the programs of the guardian, and the library with its types.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
process.chdir(ROOT);

/** Client libraries that not everybody installs. */
const OPTIONAL = ['etcd3', 'ioredis', 'memcache'];

const COMMON = { bundle: true, platform: 'node', target: 'node20', format: 'cjs', logLevel: 'warning' };
const MINIFIED = { minifySyntax: true, minifyWhitespace: true };
/** Modules that ask where they are, in a format that has no word for it. */
const PLACED = {
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: 'const importMetaUrl=require("node:url").pathToFileURL(__filename).href;' },
};
const zookeeperPart = (name) => `./src/backend/zookeeper/library-parts/${name}.cjs`;

const COMMAND_LINE = {
  ...COMMON,
  ...MINIFIED,
  ...PLACED,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/lockex.cjs',
  // What node-zookeeper-client needs of them takes longer to load than to do.
  alias: Object.fromEntries(['assert', 'async', 'underscore'].map((name) => [name, zookeeperPart(name)])),
  external: OPTIONAL,
  charset: 'ascii',
  supported: { 'dynamic-import': false },
};

const guardianProgram = (entry, outfile) => ({ ...COMMON, ...MINIFIED, entryPoints: [entry], outfile });

/**
 * The library is one CommonJS file, and what `import` gets is a list of its names: there is one copy of everything in a
 * process, however it was loaded, and `instanceof` says what it should. Its dependencies stay its user's.
 */
const LIBRARY = {
  ...COMMON,
  ...PLACED,
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.cjs',
  external: [...OPTIONAL, 'node-zookeeper-client', 'tree-kill'],
};

/** The suite judges errors by their class: they must be those of the library. */
const ERRORS_OF_THE_LIBRARY = {
  name: 'errors of the library',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/util\/errors\.js$/ }, () => ({ path: './index.cjs', external: true })),
};
const TESTING = {
  ...COMMON,
  entryPoints: ['src/testing/index.ts'],
  outfile: 'dist/testing.cjs',
  plugins: [ERRORS_OF_THE_LIBRARY],
};

/** A module that has the names of a CommonJS file. */
function writeModule(name) {
  const names = Object.keys(createRequire(import.meta.url)(join(DIST, `${name}.cjs`)));
  writeFileSync(join(DIST, `${name}.js`), `export { ${names.join(', ')} } from './${name}.cjs';\n`);
}

/** Types, once, as those of CommonJS, which they are; a module's are the same ones. */
async function writeTypes() {
  await run('node_modules/.bin/tsc', '-p', 'tsconfig.types.json');
  writeFileSync('dist/types/package.json', '{ "type": "commonjs" }\n');
  for (const [name, entry] of [
    ['index', 'index'],
    ['testing', 'testing/index'],
  ]) {
    for (const ending of ['d.ts', 'd.cts']) {
      writeFileSync(`dist/${name}.${ending}`, `export * from './types/${entry}.js';\n`);
    }
  }
}

function run(program, ...args) {
  return new Promise((resolve, reject) => {
    spawn(program, args, { stdio: 'inherit' })
      .on('error', reject)
      .on('exit', (code) => {
        if (code === 0) resolve();
        else reject(new Error(`${program} ended with ${code}`));
      });
  });
}

mkdirSync(DIST, { recursive: true });
// V8 knows a stale cache only by the length of what it is of.
for (const name of readdirSync(DIST)) if (name.endsWith('.cache')) rmSync(join(DIST, name));
rmSync(join(DIST, 'types'), { recursive: true, force: true });
await Promise.all([
  build(COMMAND_LINE),
  build(guardianProgram('src/child/guardian/sibling.ts', 'dist/guardian.cjs')),
  build(guardianProgram('src/child/guardian/farewell-program.ts', 'dist/farewell.cjs')),
  build(LIBRARY),
  build(TESTING),
]);
copyFileSync('src/child/guardian/guardian.pl', 'dist/guardian.pl');
for (const name of ['index', 'testing']) writeModule(name);
await Promise.all([writeTypes(), run(process.execPath, 'bin/code-cache.cjs', 'dist/lockex.cjs')]);
