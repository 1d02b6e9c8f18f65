import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MarkReading } from '../../src/child/mark.js';
import { type Kinship, membersOf } from '../../src/child/membership.js';
import type { ProcessFacts } from '../../src/child/process-facts.js';

/** A process that started with the command and has nothing to do with it, but for what is said. */
function one(pid: number, facts: Partial<ProcessFacts> = {}): ProcessFacts {
  return {
    pid,
    command: 'x',
    state: 'S',
    parent: 1,
    group: pid,
    session: pid,
    terminalGroup: -1,
    flags: 0,
    threads: 1,
    startTime: 1000,
    environBytes: 100,
    ...facts,
  };
}

const COMMAND = one(100, { parent: 50 });
const KINSHIP: Kinship = {
  leader: { pid: 100, startTime: 1000 },
  group: 'own',
  remembered: new Map(),
  excluded: new Set([1, 50]),
  guardian: undefined,
};

function pids(
  processes: readonly ProcessFacts[],
  kinship: Partial<Kinship> = {},
  marked: readonly number[] = [],
): number[] {
  return membersOf(processes, { ...KINSHIP, ...kinship }, (p) =>
    marked.includes(p.pid) ? 'present' : 'absent',
  )
    .members.map((p) => p.pid)
    .sort((a, b) => a - b);
}

test('the tree is the command and all its descendants, in whatever order they are listed', () => {
  const processes = [
    one(103, { parent: 102 }),
    one(102, { parent: 101 }),
    one(101, { parent: 100 }),
    COMMAND,
    one(200),
  ];
  assert.deepEqual(pids(processes), [100, 101, 102, 103]);
  assert.deepEqual(pids(processes.toReversed()), [100, 101, 102, 103]);
});

test('what is in the session or group of the command belongs to the tree, even when the command has gone', () => {
  const left = [one(101, { session: 100 }), one(102, { group: 100 }), one(103)];
  assert.deepEqual(pids(left), [101, 102]);
  // In a group that is shared with lockex, the group says nothing.
  assert.deepEqual(pids(left, { group: 'shared' }), []);
});

test('what was once seen in the tree stays in it when its parents have gone', () => {
  const daemon = one(110, { startTime: 1500 });
  const itsChild = one(111, { parent: 110, startTime: 1600 });
  assert.deepEqual(pids([daemon, itsChild], { remembered: new Map([[110, 1500]]) }), [110, 111]);
  assert.deepEqual(pids([daemon, itsChild]), []);
});

test('a process that got the number of a dead member is not taken for it', () => {
  const stranger = one(110, { startTime: 9000 });
  assert.deepEqual(pids([stranger], { remembered: new Map([[110, 1500]]) }), []);
});

test('a process that got the number of the dead command is not taken for it, nor its session for the tree', () => {
  const stranger = one(100, { startTime: 9000 });
  const itsChild = one(101, { session: 100, group: 100, startTime: 9000, parent: 100 });
  assert.deepEqual(pids([stranger, itsChild]), []);
  // The twin: by the number alone, both would be killed.
  assert.deepEqual(pids([stranger, itsChild], { leader: { pid: 100, startTime: 9000 } }), [100, 101]);
});

test('a daemon is known by the mark in its environment, and its children with it', () => {
  const processes = [one(120), one(121, { parent: 120 }), one(122)];
  assert.deepEqual(pids(processes, {}, [120]), [120, 121]);
  assert.deepEqual(pids(processes), []);
});

test('what started before the command did is not in the tree, whatever its numbers say', () => {
  const older = one(101, { parent: 100, session: 100, group: 100, startTime: 999 });
  assert.deepEqual(pids([older], { remembered: new Map([[101, 999]]) }, [101]), []);
});

test('the supervisor and process 1 are never in the tree', () => {
  const processes = [one(1, { parent: 0 }), one(50, { parent: 100 }), COMMAND];
  assert.deepEqual(pids(processes, {}, [1, 50]), [100]);
  assert.deepEqual(pids(processes, { excluded: new Set() }, [1, 50]), [1, 50, 100]);
});

test('a thread of the kernel is never in the tree', () => {
  assert.deepEqual(pids([one(130, { flags: 0x0020_8040 })], {}, [130]), []);
});

test('zombies are not living members; a process whose first thread alone has ended is', () => {
  const zombie = one(101, { parent: 100, state: 'Z' });
  const half = one(102, { parent: 100, state: 'Z', threads: 4 });
  assert.deepEqual(pids([COMMAND, zombie, half]), [100, 102]);
});

test('lockex reads the environment of a process only when nothing else tells', () => {
  const asked: number[] = [];
  const markOf = ({ pid }: ProcessFacts): MarkReading => {
    asked.push(pid);
    return 'absent';
  };
  membersOf([COMMAND, one(101, { parent: 100 }), one(140), one(141, { startTime: 5 })], KINSHIP, markOf);
  assert.deepEqual(asked, [140]);
});

test('a process that is just becoming another program is neither in the tree nor out of it', () => {
  const look = membersOf([COMMAND, one(150), one(151)], KINSHIP, ({ pid }) =>
    pid === 150 ? 'undecided' : 'absent',
  );
  assert.deepEqual(
    look.undecided.map((p) => p.pid),
    [150],
  );
  // Unless its kin tells: then it is in.
  const kin = membersOf([COMMAND, one(150, { parent: 100 })], KINSHIP, () => 'undecided');
  assert.deepEqual(kin.undecided, []);
  assert.equal(kin.members.length, 2);
});

test('a group is no longer the tree’s when its number has been given to another process', () => {
  const leads = (processes: readonly ProcessFacts[], group: 'own' | 'shared' = 'own') =>
    membersOf(processes, { ...KINSHIP, group }, () => 'absent').leadsGroup;
  assert.equal(leads([COMMAND]), true);
  assert.equal(leads([one(101, { group: 100 })]), true);
  assert.equal(leads([one(100, { startTime: 9000 })]), false);
  assert.equal(leads([COMMAND], 'shared'), false);
});
