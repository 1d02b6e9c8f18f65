import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { alteredVariables, exactEnvironment, exactWords } from '../../src/cli/command-line.js';
import { parse } from '../../src/cli/parse.js';

const raw =
  (...parts: (string | Buffer)[]) =>
  () =>
    Buffer.concat(parts.flatMap((part) => [Buffer.from(part), Buffer.of(0)]));
const bad = Buffer.of(0x61, 0xff);
const never = () => assert.fail('read without need');

describe('lockex takes its arguments byte for byte', () => {
  test('also those that Node has altered', () => {
    assert.deepEqual(
      exactWords(['--', '\uFFFD', 'a\uFFFD', 'ü', ''], raw('node', 'lockex', '--', '\uFFFD', bad, 'ü', '')),
      ['--', '\uFFFD', 'a\udcff', 'ü', ''],
    );
  });
  test('and leaves the same character where it was typed', () => {
    const words = ['--', 'a\uFFFD'];
    assert.deepEqual(exactWords(words, raw('node', '--flag', 'lockex', '--', 'a\uFFFD')), words);
  });
  test('and does not look where nothing can be altered', () => {
    assert.deepEqual(exactWords(['--', 'ü'], never), ['--', 'ü']);
  });
  test('and refuses what it cannot check', () => {
    assert.throws(
      () => exactWords(['--', 'a\uFFFD'], () => undefined),
      /^UsageError: expected arguments in UTF-8, got "a\uFFFD"/,
    );
  });
  test('and refuses what is not what Node has read: a title was written over it', () => {
    for (const told of [raw('lockex: b', bad), raw('a title'), raw('--', 'a?'), raw(bad, bad)]) {
      assert.throws(() => exactWords(['--', 'a\uFFFD'], told), /^UsageError/);
    }
  });
});

describe('lockex refuses an option whose value is not UTF-8, under its name', () => {
  for (const spelling of [['-i', 'a\udcff'], ['-ia\udcff'], ['--lockid=a\udcff']]) {
    test(`${spelling.length} word(s), ${spelling[0]?.slice(0, 3)}`, () => {
      assert.throws(
        () => parse([...spelling, '--', 'true'], {}),
        /^UsageError: --lockid \(-i\): expected UTF-8, got "a\uFFFD"$/,
      );
    });
  }
  test('by the environment', () => {
    assert.throws(
      () => parse(['--', 'true'], { LOCKEX_LOCKID: 'a\udcff' }),
      /^UsageError: LOCKEX_LOCKID: expected UTF-8, got "a\uFFFD"$/,
    );
    const others = parse(['--', 'true'], { MEMCACHE_KEY: 'a\udcff' });
    assert.equal(others.kind, 'run', 'what is said to another program is none of ours');
  });
  test('and what is no option is shown so that it can be read', () => {
    assert.throws(() => parse(['\udcff', '--', 'true'], {}), /before the command, got "\uFFFD"$/);
    assert.throws(
      () => parse(['--once=\udcff', '--', 'true'], {}),
      /--once.*: expected no value, got "\uFFFD"$/,
    );
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

describe('lockex hands on its environment byte for byte', () => {
  test('also what Node has altered, be it in a name', () => {
    const env = { GOOD: '\uFFFD', BAD: 'a\uFFFD', PLAIN: 'x', 'N\uFFFD': '1=2' };
    const environ = raw(
      'GOOD=\uFFFD',
      Buffer.from('BAD=a\xff', 'latin1'),
      'PLAIN=y',
      Buffer.from('N\xe9=1=2', 'latin1'),
    );
    const exact = { GOOD: '\uFFFD', BAD: 'a\udcff', PLAIN: 'x', 'N\udce9': '1=2' };
    assert.deepEqual(exactEnvironment(env, environ), exact);
    assert.deepEqual(alteredVariables(exact, environ), []);
  });
  test('and as it was read, where nothing can be altered, or nobody tells what it was', () => {
    const [plain, altered] = [{ A: 'ü' }, { A: '\uFFFD' }];
    assert.equal(exactEnvironment(plain, never), plain);
    assert.equal(
      exactEnvironment(altered, () => undefined),
      altered,
    );
  });
});
