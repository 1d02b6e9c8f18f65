import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SCHEMES } from '../../src/backend/registry.js';
import { allOptions, variablesOf } from '../../src/cli/option-names.js';
import { codeIn, DOCUMENT, readDocument, takeApart } from './document.js';
import { EXPECTATIONS } from './expectations.js';
import { LIBRARY_LINES } from './library-lines.js';
import { THEIRS } from './their-options.js';

const ROOT = join(import.meta.dirname, '..', '..');

const document = readDocument();

/** What is one list and not the other, with the section before each line. */
function differences(documented: readonly string[], expected: readonly string[]) {
  return {
    unchecked: documented.filter((line) => !expected.includes(line)),
    undocumented: expected.filter((line) => !documented.includes(line)),
  };
}

const documented = document.lines.map(({ section, ours }) => `${section}: ${ours}`);
const expected = [EXPECTATIONS, LIBRARY_LINES].flatMap((all) =>
  Object.entries(all).flatMap(([section, lines]) => Object.keys(lines).map((line) => `${section}: ${line}`)),
);

test('every line of the page is checked, and no other', () => {
  assert.deepEqual(differences(documented, expected), { unchecked: [], undocumented: [] });
});

test('a line that nobody checks, and a check of no line, are found', () => {
  assert.deepEqual(differences(['a', 'b'], ['b', 'c']), { unchecked: ['a'], undocumented: ['c'] });
});

/** Options and variables of ours that a cell speaks of, and that do not exist. */
function unknownIn(cell: string): string[] {
  const known = new Set(
    allOptions().flatMap(([name, spec]) => [
      `--${name}`,
      `--no-${name}`,
      ...(spec.alias === undefined ? [] : [`-${spec.alias}`]),
      ...variablesOf(name),
    ]),
  );
  return codeIn(cell).filter((code) => /^(--?[a-zA-Z]|[A-Z][A-Z_]+$)/.test(code) && !known.has(code));
}

const OF_LIBRARIES = ['sherlock', 'distributedlock'];

test('the options of ours that stand for theirs exist', () => {
  const commands = document.options.filter(({ section }) => !OF_LIBRARIES.includes(section));
  assert.ok(commands.length > 50);
  assert.deepEqual(
    commands.flatMap(({ section, ours }) => unknownIn(ours).map((code) => `${section}: ${code}`)),
    [],
  );
});

test('an option that does not exist is found', () => {
  assert.deepEqual(unknownIn('`--try`, or `-i`, `LOCKEX_URL`, `LOCKEX_TRY`'), ['--try', 'LOCKEX_TRY']);
});

/** Words of a cell, within backticks, that the library does not know. */
function strangeIn(cell: string): string[] {
  return codeIn(cell)
    .flatMap((code) => code.match(/[a-zA-Z]+/g) ?? [])
    .filter((word) => !new RegExp(`\\b${word}\\b`).test(LIBRARY));
}

/** All that the library is made of, and the schemes. */
const LIBRARY = [
  ...readdirSync(join(ROOT, 'src', 'lock')).map((name) => join('src', 'lock', name)),
  join('src', 'index.ts'),
]
  .map((name) => readFileSync(join(ROOT, name), 'utf8'))
  .concat(SCHEMES, 'new await using lockex/testing')
  .join('\n');

test('the words of the library that stand for theirs are words of the library', () => {
  const libraries = document.options.filter(({ section }) => OF_LIBRARIES.includes(section));
  assert.ok(libraries.length > 20);
  assert.deepEqual(
    libraries.flatMap(({ section, ours }) => strangeIn(ours).map((word) => `${section}: ${word}`)),
    [],
  );
  assert.deepEqual(strangeIn('`tryAcquire()`, or `tryToAcquire()`'), ['tryToAcquire']);
});

for (const [section, all] of Object.entries(THEIRS)) {
  test(`every option of ${section} has a row`, () => {
    const rows = document.options.filter((option) => option.section === section);
    const named = rows.flatMap(({ theirs }) => codeIn(theirs));
    assert.deepEqual(
      all.filter((option) => !named.includes(option)),
      [],
    );
    assert.deepEqual(
      rows.filter(({ ours }) => ours === ''),
      [],
    );
  });
}

/** Links of a page that lead nowhere: to a file that is not beside it, or to a heading that it does not have. */
function deadLinks(page: string, exists: (file: string) => boolean): string[] {
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
    title.toLowerCase().replaceAll(' ', '-'),
  );
  return [...page.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) =>
      target.startsWith('#') ? !headings.includes(target.slice(1)) : !exists(target.replace(/#.*/, '')),
    );
}

test('every link of the page leads somewhere', () => {
  const page = readFileSync(DOCUMENT, 'utf8');
  assert.deepEqual(
    deadLinks(page, (file) => existsSync(new URL(file, DOCUMENT))),
    [],
  );
  assert.deepEqual(
    deadLinks('[a](#b) [c](d.md#e)\n## B\n', () => false),
    ['d.md#e'],
  );
});

test('a line or a program that is not written as one is refused', () => {
  const table = (cell: string) =>
    `## x\n\n| a | lockex | c |\n| --- | --- | --- |\n| \`b\` | ${cell} | d |\n`;
  assert.deepEqual(takeApart(table('`lockex -- a \\| b`')).lines, [
    { section: 'x', theirs: '`b`', ours: 'lockex -- a | b' },
  ]);
  assert.throws(() => takeApart(table('see above')), /one line of ours/);
  assert.throws(() => takeApart('## x\n\n```ts\nconst a = 1;\n```\n'), /its name/);
});
