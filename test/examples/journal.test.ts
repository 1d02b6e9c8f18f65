import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overlaps, type Stretch } from './journal.js';

const stretch = (instance: string, from: number, to: number): Stretch => ({
  instance,
  token: null,
  from,
  to,
});

test('stretches of one instance, and those that follow each other, are no overlap', () => {
  assert.deepEqual(overlaps([]), []);
  assert.deepEqual(
    overlaps([stretch('a', 0, 5), stretch('a', 3, 9), stretch('b', 9, 12), stretch('a', 12, 13)]),
    [],
  );
});

test('an overlap is found, wherever it stands in the journal', () => {
  const [long, short, far] = [stretch('a', 0, 9), stretch('b', 4, 5), stretch('c', 8, 20)];
  assert.deepEqual(overlaps([far, long, short]), [
    [long, short],
    [long, far],
  ]);
});
