import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { firstOf } from '../../src/util/abort.js';

test('the first of several signals gives its reason, also one that aborted before', () => {
  const [one, two] = [new AbortController(), new AbortController()];
  const first = firstOf([one.signal, undefined, two.signal]);
  assert.equal(first.signal.aborted, false);
  two.abort('two');
  one.abort('one');
  assert.equal(first.signal.reason, 'two');
  assert.equal(firstOf([one.signal, two.signal]).signal.reason, 'one');
});

test('the first of several signals heeds none of them once it was ended, and they know nothing of it', () => {
  const lasting = new AbortController();
  for (let round = 0; round < 10; round += 1) {
    const first = firstOf([lasting.signal]);
    first.end();
    first.end();
    assert.equal(getEventListeners(lasting.signal, 'abort').length, 0);
    if (round === 9) lasting.abort();
    assert.equal(first.signal.aborted, false);
  }
});
