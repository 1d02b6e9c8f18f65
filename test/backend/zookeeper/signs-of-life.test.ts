import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignsOfLife } from '../../../src/backend/zookeeper/signs-of-life.js';

const T = 12_000;
const h = T / 12;

test('with a renewal every T/12, a write counts from when it was sent', () => {
  const signs = new SignsOfLife();
  for (let sentAt = 0; sentAt < T; sentAt += h) signs.answered(sentAt, sentAt + 5);
  assert.equal(signs.countsFrom(T, T), T);
});

test('a write after a long pause counts for little: the leader may have heard of us last before the pause', () => {
  const signs = new SignsOfLife();
  signs.answered(0, 5);
  assert.equal(signs.countsFrom(T * 0.9, T), T / 3);
});

test('right after a session was made or taken over by a server, a write counts in full: that was the leader', () => {
  const signs = new SignsOfLife();
  signs.metLeader(1000);
  assert.equal(signs.countsFrom(1010, T), 1010);
});

test('what was answered less than a half tick ago may not have been told to the leader yet', () => {
  const signs = new SignsOfLife();
  signs.answered(0, 5);
  signs.answered(T * 0.8, T * 0.8 + 5);
  assert.equal(signs.countsFrom(T * 0.9, T), T / 3);
});
