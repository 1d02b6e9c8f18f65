import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { withTables } from './tables.js';

const README = new URL('../../README.md', import.meta.url);

test("the README's tables are those of the product", () => {
  const readme = readFileSync(README, 'utf8');
  const wanted = withTables(readme);
  if (process.env['LOCKEX_WRITE_README'] === '1') writeFileSync(README, wanted);
  else
    assert.equal(
      readme,
      wanted,
      'LOCKEX_WRITE_README=1 node --import tsx --test test/cli/readme.test.ts writes them',
    );
});

test('a README that lacks a table is found', () => {
  assert.throws(() => withTables('<!-- options -->\n<!-- /options -->\n'), /expected <!-- exit-status -->/);
});
