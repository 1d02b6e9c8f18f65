import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkExactWords } from '../../src/child/exact-words.js';
import { ISOLATION_LEVELS } from '../../src/child/isolation.js';

const COMMANDS = [
  { file: 'cat', args: ['x', 'caf\udce9'] },
  { file: './caf\udce9', args: [] },
];

test('a command that is not UTF-8 is refused where Node would start it, and only there', () => {
  for (const command of COMMANDS) {
    assert.throws(
      () => checkExactWords(command, 'walk'),
      /^UsageError: isolation walk: expected a command in UTF-8, got "(\.\/)?caf\uFFFD"$/,
    );
    checkExactWords(command, 'subreaper');
    checkExactWords(command, 'cgroup');
  }
});

test('a command that is UTF-8 is taken at every level', () => {
  for (const level of ISOLATION_LEVELS) checkExactWords({ file: 'ü', args: ['🔒', '\ufffd', ''] }, level);
});
