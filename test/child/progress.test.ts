import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_PROGRESS, type Progress, progressAfter } from '../../src/child/progress.js';
import type { Member } from '../../src/child/tree.js';

const process = (pid: number): Member => ({ pid, startTime: 1, state: 'S', command: 'x' });

/** Passes in a row, each `[pids of members, pids of undecided]`, after the command has been reaped. */
function after(passes: readonly (readonly [number[], number[]])[], ended = true): Progress {
  return passes.reduce(
    (before, [members, undecided]) =>
      progressAfter(before, { members: members.map(process), undecided: undecided.map(process) }, ended),
    NO_PROGRESS,
  );
}

test('a tree counts as gone after two looks in a row that found nobody', () => {
  assert.equal(after([[[], []]]).gone, false);
  assert.equal(
    after([
      [[], []],
      [[], []],
    ]).gone,
    true,
  );
  assert.equal(
    after([
      [[], []],
      [[7], []],
      [[], []],
    ]).gone,
    false,
  );
  assert.equal(
    after([
      [[], []],
      [[7], []],
      [[], []],
      [[], []],
    ]).gone,
    true,
  );
});

test('a tree is not gone before the command has been reaped', () => {
  assert.equal(
    after(
      [
        [[], []],
        [[], []],
        [[], []],
      ],
      false,
    ).gone,
    false,
  );
});

test('a tree is not gone while a process that may belong to it cannot be told', () => {
  const stuck: [number[], number[]] = [[], [9]];
  assert.equal(after([stuck, stuck, stuck, stuck]).gone, false);
  assert.equal(after([stuck, stuck, [[], []]]).gone, false, 'it may have left a child: one look more');
  assert.equal(after([stuck, stuck, [[], []], [[], []]]).gone, true);
});

test('a host on which some process is always becoming another program does not hold up the end', () => {
  const busy = Array.from({ length: 5 }, (_, i): [number[], number[]] => [[], [100 + i]]);
  assert.equal(after(busy).gone, true);
});

test('looks follow each other quickly while they find something new, then ever more slowly', () => {
  const quick = NO_PROGRESS.pauseMs;
  assert.equal(after([[[7], []]]).pauseMs, quick);
  assert.equal(
    after([
      [[7], []],
      [[7], []],
    ]).pauseMs,
    2 * quick,
  );
  assert.equal(
    after([
      [[7], []],
      [[7], []],
      [[8], []],
    ]).pauseMs,
    quick,
  );
  const long = after(Array.from({ length: 20 }, (): [number[], number[]] => [[7], []]));
  assert.equal(long.pauseMs, 50);
  assert.equal(
    after([...Array.from({ length: 20 }, (): [number[], number[]] => [[7], []]), [[], []]]).pauseMs,
    quick,
  );
});
