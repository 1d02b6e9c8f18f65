import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { alteredVariables, refuseAlteredWords } from '../../src/cli/command-line.js';

const raw =
  (...parts: (string | Buffer)[]) =>
  () =>
    Buffer.concat(parts.flatMap((part) => [Buffer.from(part), Buffer.of(0)]));
const bad = Buffer.of(0x61, 0xff);
const never = () => assert.fail('read without need');

describe('lockex refuses arguments that Node has altered', () => {
  test('and names them', () => {
    assert.throws(
      () => refuseAlteredWords(['--', 'echo', 'a\uFFFD'], raw('node', 'lockex', '--', 'echo', bad)),
      /^UsageError: expected arguments in UTF-8, got "a\uFFFD"/,
    );
  });
  test('but not the same character where it was typed', () => {
    refuseAlteredWords(['--', 'a\uFFFD'], raw('node', '--flag', 'lockex', '--', 'a\uFFFD'));
  });
  test('and does not look where nothing can be altered', () => refuseAlteredWords(['--', 'ü'], never));
  test('and refuses what it cannot check', () => {
    assert.throws(() => refuseAlteredWords(['a\uFFFD'], () => undefined), /^UsageError/);
  });
});

describe('lockex finds the variables that a command would get altered', () => {
  test('by their own bytes', () => {
    const env = { GOOD: 'typed \uFFFD', BAD: 'a\uFFFD', PLAIN: 'x' };
    const environ = raw('GOOD=typed \uFFFD', Buffer.concat([Buffer.from('BAD='), bad]), 'PLAIN=x');
    assert.deepEqual(alteredVariables(env, environ), ['BAD']);
  });
  test('and suspects what it cannot check', () => {
    assert.deepEqual(
      alteredVariables({ A: '\uFFFD', B: 'x' }, () => undefined),
      ['A'],
    );
  });
  test('and does not look where nothing can be altered', () => {
    assert.deepEqual(alteredVariables({ A: 'x' }, never), []);
  });
});
