import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';
import { allOptions } from '../src/cli/option-names.js';

/**
 * The house of the design page: a room may import from its own room and from rooms with a lower number. The face of
 * the library, `index.ts`, stands before the door.
 */
const LEVELS: Readonly<Record<string, number>> = {
  util: 0,
  child: 1,
  backend: 2,
  testing: 3,
  supervisor: 3,
  cli: 4,
  lock: 4,
  'index.ts': 5,
};
const SRC = join(import.meta.dirname, '..', 'src');

function sources(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*['"](\.[^'"]+)['"]/g)].map(
    (match) => match[1] ?? '',
  );
}

/** Says what is wrong with one import, if anything is. */
function violation(file: string, target: string): string | undefined {
  const [from, to] = [file.split('/')[0] ?? '', target.split('/')[0] ?? ''];
  const [fromLevel, toLevel] = [LEVELS[from], LEVELS[to]];
  if (fromLevel === undefined) return `${file} is in no room of the house`;
  if (toLevel === undefined) return `${file} imports ${target}, which is in no room of the house`;
  if (from === to || fromLevel > toLevel) return undefined;
  return `${file} (${from}, level ${fromLevel}) imports ${target} (${to}, level ${toLevel})`;
}

test('imports only go down', () => {
  const wrong = sources(SRC).flatMap((file) =>
    importsOf(readFileSync(join(SRC, file), 'utf8')).flatMap((specifier) => {
      const target = relative(SRC, normalize(join(SRC, dirname(file), specifier)));
      return violation(file, target) ?? [];
    }),
  );
  assert.deepEqual(wrong, []);
});

test('an import that goes up, sideways or out of the house is found', () => {
  assert.match(violation('util/errors.ts', 'cli/main.js') ?? '', /util, level 0/);
  assert.match(violation('attic/x.ts', 'util/errors.js') ?? '', /no room/);
  assert.equal(violation('supervisor/run.ts', 'child/tree.js'), undefined);
  assert.deepEqual(importsOf("import { a } from '../b.js';\nconst c = await import('./d.js');"), [
    '../b.js',
    './d.js',
  ]);
});

test('only cli touches process', () => {
  const touching = sources(SRC).filter(
    (file) =>
      !file.startsWith('cli/') &&
      /(?<![.\w])process\./.test(
        readFileSync(join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''),
      ),
  );
  assert.deepEqual(touching, []);
});

test('only the backends know the client library', () => {
  const knowing = sources(SRC).filter(
    (file) =>
      !file.startsWith('backend/zookeeper/') &&
      /node-zookeeper-client/.test(readFileSync(join(SRC, file), 'utf8')),
  );
  assert.deepEqual(knowing, []);
});

test('only cli names the options of the command line: who uses the library has others', () => {
  const names = new RegExp(
    `(?<![\\w-])--(${allOptions()
      .map(([name]) => name)
      .join('|')})(?![\\w-])`,
  );
  const naming = sources(SRC).filter(
    (file) =>
      !file.startsWith('cli/') &&
      names.test(readFileSync(join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')),
  );
  assert.deepEqual(naming, []);
});

/** What a fresh clone has, and what building and testing put beside it. */
const TOP = [
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.types.json', 'biome.json'],
  ...[
    'src',
    'bin',
    'test',
    'docker',
    'docs',
    'bench',
    'examples',
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'COPYING',
  ],
  ...['node_modules', 'dist'],
];

test('nothing lies about at the top of the house', () => {
  const found = readdirSync(join(SRC, '..')).filter(
    (name) => !name.startsWith('.') && !name.endsWith('.log'),
  );
  assert.deepEqual(
    found.filter((name) => !TOP.includes(name)),
    [],
  );
});
