import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { lockIdOf } from '../../src/supervisor/lock-id.js';

/** Written down once, from `printf 'redis-server\0redis.conf\0' | sha256sum` and its like. */
const GOLDEN: readonly (readonly [readonly string[], string])[] = [
  [['true'], 'debc2f07db78d52d2def07b7bc620d7042367501d9439a62ba09b559a98e0957'],
  [['redis-server', 'redis.conf'], 'b8f50c4c7883b82e043967a6d9b82e135fa951bbbfbb9ed64decae637aea07f5'],
  [['a b'], 'dfa5830757fffdb100436d8dad645f6adfa4622e9703c00ce302dff6d471ac85'],
  [['a', 'b'], '8fb20ef63ced4145fc2e983ffe597d1dcff39154c3bf21f0fa9dde6a0c50fdc9'],
  [['echo', 'über', ''], '5df366ff6b780e8e7cd6f9e541011acce8895d442f2ecf13ce5184c43461465e'],
];

test('lockex gives equal commands the equal id, today and in ten years', () => {
  for (const [words, id] of GOLDEN) assert.equal(lockIdOf(words), id, words.join(' '));
});

test('what is not UTF-8 counts as the bytes that it is, on every host', () => {
  // printf 'cat\0caf\351\0' | sha256sum
  const id = 'a7f7be85211e4695c2fa4bbe24f6096f7e57bb705ea025cda1aeba79bf99c733';
  assert.equal(lockIdOf(['cat', 'caf\udce9']), id);
  const all = ['caf\udce9', 'caf\udce8', 'caf\ufffd', 'café', 'caf', 'caf?'].map((word) => ['cat', word]);
  assert.equal(new Set(all.map(lockIdOf)).size, all.length);
});

test('lockex tells "a b" from "a" and "b"', () => {
  const all = [['a b'], ['a', 'b'], ['ab'], ['a', 'b', ''], ['a', '', 'b'], ['', 'a', 'b']];
  assert.equal(new Set(all.map(lockIdOf)).size, all.length);
  // Joined by blanks, as others do it, two of them are one.
  const joined = (words: readonly string[]) => createHash('sha256').update(words.join(' ')).digest('hex');
  assert.equal(joined(['a b']), joined(['a', 'b']));
});
