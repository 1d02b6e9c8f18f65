import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProcess } from '../../src/child/proc.js';
import { isAlive, isExiting, isKernelThread, parseStat } from '../../src/child/process-facts.js';

const STAT =
  '4711 (a) R (b) S 1 4711 4700 34816 4799 4194560 100 0 0 0 1 2 0 0 20 0 3 0 123456 9 9 18446744073709551615 1 1';

test('lockex reads /proc/PID/stat, whatever the name of the program', () => {
  assert.deepEqual(parseStat(STAT), {
    pid: 4711,
    command: 'a) R (b',
    state: 'S',
    parent: 1,
    group: 4711,
    session: 4700,
    terminalGroup: 4799,
    flags: 4194560,
    threads: 3,
    startTime: 123456,
    environBytes: undefined,
  });
  const zeros = '0 '.repeat(22);
  assert.equal(parseStat(`${STAT} ${zeros}140 153 0`)?.environBytes, 13);
  assert.equal(parseStat(`${STAT} ${zeros}140 140 0`)?.environBytes, 0);
  assert.equal(parseStat(`${STAT} ${zeros}0 0 0`)?.environBytes, undefined, 'between two programs');
  const begun = STAT.replace(/1 1$/, '0 0');
  assert.equal(parseStat(`${begun} ${zeros}140 140 0`)?.environBytes, undefined, 'being set up');
});

test('lockex reads of itself what Node knows of it', () => {
  const self = readProcess('self');
  assert.equal(self?.pid, process.pid);
  assert.equal(self?.parent, process.ppid);
  assert.ok(self && isAlive(self) && !isExiting(self) && !isKernelThread(self));
});

test('a line that is not from /proc/PID/stat is not taken for a process', () => {
  for (const line of ['', '12', '12 (sh', ') 12 (', '12 (sh) S 1 1', STAT.slice(0, 60)])
    assert.equal(parseStat(line), undefined, line);
});

test('a zombie is dead, unless other threads of the process still run', () => {
  const facts = parseStat(STAT);
  assert.ok(facts);
  assert.ok(!isAlive({ ...facts, state: 'Z', threads: 1 }));
  assert.ok(!isAlive({ ...facts, state: 'X', threads: 0 }));
  assert.ok(isAlive({ ...facts, state: 'Z', threads: 2 }));
  for (const state of ['R', 'S', 'D', 'T', 't', 'I'])
    assert.ok(isAlive({ ...facts, state, threads: 1 }), state);
});

test('a process that is on its way out and a thread of the kernel are told by their flags', () => {
  const facts = parseStat(STAT);
  assert.ok(facts);
  assert.ok(isExiting({ ...facts, flags: 0x0040_0104 }));
  assert.ok(isKernelThread({ ...facts, flags: 0x0020_8040 }));
});
