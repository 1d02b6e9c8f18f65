import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { COMMAND_VARIABLES, helpText } from '../../src/cli/help.js';
import { allOptions, specOf, variablesOf } from '../../src/cli/option-names.js';
import { parse } from '../../src/cli/parse.js';

/** A value that every option of the kind takes. */
const SAMPLES = {
  text: 'x',
  file: '/dev/null',
  seconds: '2',
  count: '1',
  attempts: '2',
  signal: 'INT',
} as const;

function sampleOf(name: Parameters<typeof specOf>[0]): string[] {
  const { kind, choices } = specOf(name);
  if (name === 'url') return ['memory:'];
  if (kind === 'boolean' || kind === 'request') return [];
  return [kind === 'choice' ? (choices?.[0] ?? '') : SAMPLES[kind]];
}

/** What an option needs beside it. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  'auth-file': ['--url', 'redis://localhost'],
  'tls-cert': ['--tls-key', 'x'],
  'tls-key': ['--tls-cert', 'x'],
};

describe('there is one table of options', () => {
  test('--help lists every option of the table, and no other', async () => {
    const help = await helpText(80);
    const listed = [...help.matchAll(/^ {2,6}(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name);
    const wanted = allOptions().map(([name, { negated }]) => (negated ? `no-${name}` : name));
    assert.deepEqual(listed.sort(), wanted.sort());
  });

  for (const [name, { alias }] of allOptions()) {
    test(`lockex accepts --${name}`, () => {
      const words = [...sampleOf(name), ...(COMPANIONS[name] ?? []), '--', 'true'];
      parse([`--${name}`, ...words], {});
      if (alias !== undefined) parse([`-${alias}`, ...words], {});
    });
  }

  test('lockex reads every option from LOCKEX_<NAME>, too', () => {
    for (const [name, { kind }] of allOptions()) {
      if (kind === 'request') continue;
      const [variable = ''] = variablesOf(name);
      // A word that no kind but a text takes: only a variable that is read can be refused.
      const bad = kind === 'text' || kind === 'file' ? '' : 'nonsense';
      const companions = COMPANIONS[name] ?? [];
      assert.throws(
        () => parse([...companions, '--', 'true'], { [variable]: bad }),
        new RegExp(`^UsageError: ${variable}: expected`),
      );
    }
  });

  test('no two options share a letter or a variable', () => {
    const letters = allOptions().flatMap(([, { alias }]) => alias ?? []);
    const variables = allOptions().flatMap(([name]) => variablesOf(name));
    assert.equal(new Set(letters).size, letters.length);
    assert.equal(new Set(variables).size, variables.length);
  });
});

test('what lockex sets for its command is never read as an option of a nested lockex', () => {
  const read = new Set(allOptions().flatMap(([name]) => variablesOf(name)));
  assert.deepEqual(
    Object.keys(COMMAND_VARIABLES).filter((variable) => read.has(variable)),
    [],
  );
  const env = Object.fromEntries(Object.keys(COMMAND_VARIABLES).map((name) => [name, 'outer']));
  assert.deepEqual(parse(['--', 'true'], env), parse(['--', 'true'], {}));
});

test('--help names each variable that the supervisor and the child set', () => {
  const sources = ['supervisor/environment.ts', 'child/mark.ts'].map((file) =>
    readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8'),
  );
  const set = new Set(sources.join('').match(/\bLOCKEX_[A-Z_]*[A-Z]/g));
  assert.deepEqual([...set].sort(), Object.keys(COMMAND_VARIABLES).sort());
});

test('--help fits into the columns that it is given', async () => {
  for (const columns of [80, 120]) {
    const help = await helpText(columns);
    assert.deepEqual(
      help.split('\n').filter((line) => [...line].length > columns),
      [],
    );
  }
});
