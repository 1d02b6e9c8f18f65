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

test('each service of the registry has its section on that page', async () => {
  const page = readFileSync(PAGE, 'utf8');
  const { SCHEMES } = await import('../../src/backend/registry.js');
  for (const scheme of SCHEMES) {
    if (scheme !== 'zookeeper') assert.match(page, new RegExp(`^## .*\`${scheme}:`, 'm'), scheme);
  }
});
