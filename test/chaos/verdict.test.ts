import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepsOf } from './plan.js';
import { Random } from './random.js';
import { idleTimes, overlapsIn, tokenFaults } from './verdict.js';

const start = (token: number, run: string) => `1.00 start ${token} 10 9 ${run}`;

test('a command that found every slot taken is an overlap, as long as it took to find one', () => {
  const lines = [start(1, 'a#1'), '2.00 overlap 2 11 9 b#1', '2.25 apart 2 11 9 b#1', start(2, 'b#1')];
  assert.deepEqual(overlapsIn(lines), [{ run: 'b#1', token: '2', ms: 250 }]);
  assert.deepEqual(overlapsIn(lines.slice(0, 2)), [{ run: 'b#1', token: '2', ms: Number.POSITIVE_INFINITY }]);
  assert.deepEqual(overlapsIn([start(1, 'a#1'), start(2, 'b#1')]), []);
});

test('with one permit, a token that does not rise is found', () => {
  assert.deepEqual(tokenFaults([start(1, 'a#1'), start(2, 'b#1')], [], 1), []);
  assert.deepEqual(tokenFaults([start(2, 'a#1'), start(1, 'b#1')], [], 1), ['token 1 came after 2']);
  assert.equal(tokenFaults([start(2, 'a#1'), start(2, 'b#1')], [], 1).length, 2);
});

test('with several permits, who asked after another had started has the greater token', () => {
  const lines = [start(2, 'a#1'), start(1, 'b#1')];
  const early = { run: 'a#1', token: 2n, bornAt: 0, startedAt: 10 };
  assert.deepEqual(tokenFaults(lines, [early, { run: 'b#1', token: 1n, bornAt: 5, startedAt: 20 }], 2), []);
  const late = { run: 'b#1', token: 1n, bornAt: 15, startedAt: 20 };
  assert.match(tokenFaults(lines, [early, late], 2)[0] ?? '', /b#1 asked after a#1 had started, and got 1/);
  assert.deepEqual(tokenFaults([start(1, 'a#1'), start(1, 'b#1')], [], 2), ['a token was given twice']);
});

test('idle is the time in which nobody holds', () => {
  const trees = [
    { startedAt: 100, endedAt: 200 },
    { startedAt: 150, endedAt: 180 },
    { startedAt: 230, endedAt: 300 },
    { startedAt: 300, endedAt: undefined },
  ];
  assert.deepEqual(idleTimes(trees, 1000), { longestMs: 30, totalMs: 30 });
  assert.deepEqual(idleTimes(trees.slice(0, 3), 400), { longestMs: 100, totalMs: 130 });
  assert.deepEqual(idleTimes([], 400), { longestMs: 0, totalMs: 0 });
});

test('the same seed gives the same faults, each kind once in a round', () => {
  const kinds = ['server killed', 'server frozen', 'server restarted'] as const;
  const some = (seed: number) => {
    const steps = stepsOf(kinds, new Random(seed), 3000);
    return Array.from({ length: 6 }, () => steps.next().value);
  };
  assert.deepEqual(some(7), some(7));
  assert.notDeepEqual(some(7), some(8));
  const round = some(7).slice(0, 3);
  assert.deepEqual(round.map((step) => step?.kind).sort(), [...kinds].sort());
  assert.deepEqual([...stepsOf([], new Random(7), 3000)], []);
});
