import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeIdentity,
  decodeLimit,
  encodeIdentity,
  encodeLimit,
  resourcePath,
} from '../../../src/backend/zookeeper/node-data.js';
import { UsageError } from '../../../src/util/errors.js';

test("a node's data begins with host:pid, as the Python lockex writes it", () => {
  const identity = { host: 'db1.example', pid: 42, command: 'redis-server "a b"\n' };
  assert.equal(encodeIdentity(identity).toString(), 'db1.example:42 redis-server "a b"\n');
  assert.deepEqual(decodeIdentity(encodeIdentity(identity)), identity);
});

test("other programs' data is read as far as it goes", () => {
  assert.deepEqual(decodeIdentity(Buffer.from('db1:42')), { host: 'db1', pid: 42 });
  assert.deepEqual(decodeIdentity(Buffer.from('worker seven')), { command: 'worker seven' });
  assert.deepEqual(decodeIdentity(undefined), {});
});

test('a number of permits is text, and anything else is not ours to change', () => {
  assert.deepEqual(decodeLimit(encodeLimit(3)), { permits: 3 });
  assert.equal(decodeLimit(Buffer.alloc(0)), 'none');
  assert.equal(decodeLimit(undefined), 'none');
  assert.deepEqual(decodeLimit(Buffer.from('hello')), { foreign: 'hello' });
});

test('a lock path that is no node name, or that a semaphore would queue at, is refused', () => {
  assert.equal(resourcePath('/app', 'lockex/a b'), '/app/lockex/a b');
  for (const bad of [
    '',
    'a//b',
    '/a',
    'a/',
    'a/..',
    './a',
    'a/b-__lock__',
    'a/b-__unreleased__',
    'a/b-__held__',
    'a\u0000',
    'a\u007f',
    'a\ue000'.replace('\ue000', '\uf000'),
  ]) {
    assert.throws(() => resourcePath('', bad), UsageError, JSON.stringify(bad));
  }
});
