import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { frame, killAtWord, readReport } from '../../../src/child/guardian/protocol.js';

test('a frame is its length in bytes, a colon, and the words with a NUL between', () => {
  assert.equal(frame('done').toString(), '4:done');
  assert.equal(frame('go', '', 'ä').toString(), '6:go\0\0ä');
  // What is not UTF-8 is one byte each.
  assert.equal(frame('go', '\udcff', '\udce9').toString('latin1'), '6:go\0\xff\0\xe9');
});

test('a time that never comes is an empty word; others are whole milliseconds, later by as much as our clock may be behind', () => {
  assert.deepEqual([killAtWord(Number.POSITIVE_INFINITY), killAtWord(1234.1)], ['', '1255']);
});

test('each report of the guardian is read as what it says', () => {
  const read = [
    'ready',
    'late',
    'gone',
    'started 12',
    'failed 2',
    'failed cgroup 13',
    'kept 7',
    'exited 255',
    'killed 15',
    'killed 34',
    'left 12 tar x D;13 b S',
    'left ',
  ].map(readReport);
  assert.deepEqual(read, [
    { says: 'ready' },
    { says: 'late' },
    { says: 'gone' },
    { says: 'started', pid: 12 },
    { says: 'failed', errno: 2, what: 'exec' },
    { says: 'failed', errno: 13, what: 'cgroup' },
    { says: 'kept', number: 7 },
    { says: 'ended', status: { how: 'exited', code: 255 } },
    { says: 'ended', status: { how: 'killed', signal: 'SIGTERM' } },
    // Node has no names for the real-time signals.
    { says: 'ended', status: { how: 'killed', signal: 34 } },
    {
      says: 'left',
      survivors: [
        { pid: 12, command: 'tar x', state: 'D' },
        { pid: 13, command: 'b', state: 'S' },
      ],
    },
    { says: 'left', survivors: [] },
  ]);
});

test('every signal that has a name is read by the name that kill -l has for it', () => {
  const aliases = new Set(['SIGIOT', 'SIGPOLL', 'SIGUNUSED']);
  for (const [name, number] of Object.entries(constants.signals).filter(([each]) => !aliases.has(each))) {
    assert.deepEqual(readReport(`killed ${number}`), {
      says: 'ended',
      status: { how: 'killed', signal: name },
    });
  }
});

test('what is no report is none', () => {
  for (const line of ['', 'hello', 'READY', '\u0000']) assert.equal(readReport(line), undefined);
});

test('guardian.pl compiles without a warning', () => {
  const path = join(import.meta.dirname, '../../../src/child/guardian/guardian.pl');
  const said = execFileSync('/bin/sh', ['-c', 'perl -wc "$0" 2>&1', path], { encoding: 'utf8' });
  assert.equal(said, `${path} syntax OK\n`);
});
