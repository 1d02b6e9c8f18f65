import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Traits } from '../../src/backend/contract.js';
import { type Column, EVENTS, type Event, PROMISES, SERVICES } from '../e2e/promises/promises.js';
import { table, withSections } from '../helpers/markdown.js';

const PAGE = new URL('../../docs/backends.md', import.meta.url);

/** In the order of the page. */
const COLUMNS: readonly (readonly [string, Column])[] = Object.entries(SERVICES);
const HEAD = COLUMNS.map(([name]) => name);

const TRAITS: Readonly<Record<string, (traits: Traits) => string>> = {
  'who is next': ({ queue }) => (queue === 'fair' ? 'first come, first served' : 'who is quickest'),
  'fencing token': ({ fencing }) => yesNo(fencing),
  'readers (`--shared`)': ({ shared }) => yesNo(shared),
  'permits (`-c`)': ({ maxPermits }) => (maxPermits === 1 ? 'no' : `up to ${maxPermits}`),
  'waiters are seen': ({ waiters }) => yesNo(waiters),
  '`--handover-delay`': ({ handoverDelay }) => yesNo(handoverDelay),
  '`--hold`': ({ hold }) => yesNo(hold),
};

function yesNo(can: boolean): string {
  return can ? 'yes' : 'no';
}

function failures(): string {
  const rows = Object.entries(EVENTS).map(([event, what]) => [
    `when ${what}`,
    ...COLUMNS.map(([, { promises }]) => {
      // `Object.entries` widens the keys to string; they are the table's own.
      const promise = promises[event as Event];
      return promise === 'none' ? '–' : PROMISES[promise];
    }),
  ]);
  return table(['', ...HEAD], rows);
}

function traits(): string {
  const rows = Object.entries(TRAITS).map(([what, show]) => [
    what,
    ...COLUMNS.map(([, column]) => show(column.traits)),
  ]);
  return table(['', ...HEAD], rows);
}

test('what docs/backends.md promises is what the tests ask for, cell by cell', () => {
  const page = readFileSync(PAGE, 'utf8');
  const wanted = withSections(page, { failures, traits });
  if (process.env['LOCKEX_WRITE_DOCS'] === '1') writeFileSync(PAGE, wanted);
  else
    assert.equal(
      page,
      wanted,
      'LOCKEX_WRITE_DOCS=1 node --import tsx --test test/docs/backends.test.ts writes it',
    );
});

/** The rows of the page that name a test: its file below `test`, without its ending, and how its title begins. */
function namedTests(page: string): { file: string; title: string }[] {
  const [, , ...rows] = page.slice(page.indexOf('## What shows it')).match(/^\|.*$/gm) ?? [];
  return rows.map((row) => {
    const [, file, title] = /^\| .+ \| `([^`]+)`: (.+) \|$/.exec(row) ?? [];
    if (file === undefined || title === undefined)
      throw new Error(`expected a row that names a test, got ${row}`);
    return { file, title };
  });
}

/** Whether the source of a test file has a test whose title begins so. */
function hasTest(source: string, title: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(`test(${quote}${title}`));
}

test('each test that the page names is there', () => {
  const named = namedTests(readFileSync(PAGE, 'utf8'));
  assert.ok(named.length > 20);
  for (const { file, title } of named) {
    const source = readFileSync(new URL(`../${file}.test.ts`, import.meta.url), 'utf8');
    assert.ok(hasTest(source, title), `${file}: ${title}`);
  }
  assert.equal(hasTest("test('a lock is kept', () => {});", 'a lock is lost'), false);
});

test('each service of the registry has its section on that page', async () => {
  const page = readFileSync(PAGE, 'utf8');
  const { SCHEMES } = await import('../../src/backend/registry.js');
  for (const scheme of SCHEMES) {
    if (scheme !== 'zookeeper') assert.match(page, new RegExp(`^## .*\`${scheme}:`, 'm'), scheme);
  }
});
