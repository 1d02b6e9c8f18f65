import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TRAPS } from './sentences.js';

const TESTS = join(import.meta.dirname, '..');

/** The titles of tests in a source that begin as a trap's do; what `${…}` stands for is not filled in. */
function trapTitles(source: string): string[] {
  const literals = source.matchAll(/(['"`])(trap \d+: (?:\\.|(?!\1)[^\\\n])*)\1/g);
  return [...literals].map(([, , text = '']) => text.replace(/\\(['"`])/g, '$1'));
}

function titlesOfRepository(): string[] {
  return readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && name !== join('traps', 'list.test.ts'))
    .flatMap((name) => trapTitles(readFileSync(join(TESTS, name), 'utf8')));
}

const numberOf = (title: string): number => Number(/^trap (\d+)/.exec(title)?.[1]);

/** From one number to another, both included. */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** What lockex does not have: another number of permits while it is in use, `status`, and hooks. */
const ABSENT = [34, 52, 53];

test('the list of traps is whole, but for those of what lockex does not have', () => {
  const wanted = range(1, 55).filter((number) => !ABSENT.includes(number));
  assert.deepEqual([...TRAPS.keys()], wanted);
});

test('each trap of the list has a test', () => {
  const found = new Set(titlesOfRepository().map(numberOf));
  const missing = [...TRAPS.keys()].filter((number) => !found.has(number));
  assert.deepEqual(missing, []);
});

test('a test that is called by a trap’s number says the trap’s sentence', () => {
  const wrong = titlesOfRepository().filter((title) => {
    const sentence = TRAPS.get(numberOf(title));
    return sentence === undefined || !title.startsWith(`trap ${numberOf(title)}: ${sentence}`);
  });
  assert.deepEqual(wrong, []);
});

test('titles are read out of a source however they are quoted', () => {
  const source = `test('trap 1: a\\'b', f); test("trap 2: it's", f);\ntest(\`trap 3: \\\`x\\\` (\${how})\`, f); // trap 4: no`;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what stands in the source
  assert.deepEqual(trapTitles(source), ["trap 1: a'b", "trap 2: it's", 'trap 3: `x` (${how})']);
});
