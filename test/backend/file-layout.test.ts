import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directoryName, kindOfNote, noteName } from '../../src/backend/file/layout.js';
import { formatNote, HOLDING_LINE, inOrder, parseNote } from '../../src/backend/file/note.js';

test('the name of a resource’s directory leads nowhere else', () => {
  for (const resource of [
    'a/b',
    'a/../../etc',
    '/etc',
    'a\\b',
    'a\nb',
    'ü/…',
    '~',
    '*',
    '鍵',
    'x'.repeat(999),
  ]) {
    const name = directoryName(resource);
    assert.match(name, /^[A-Za-z0-9._%~-]+$/);
    assert.ok(Buffer.byteLength(name) <= 255, name);
  }
  assert.equal(directoryName('lockex/3f2a b'), 'lockex%2F3f2a%20b');
});

test('no two resources share a directory', () => {
  const long = 'x'.repeat(300);
  const resources = ['a/b', 'a%2Fb', 'a%2fb', 'a%252Fb', 'ab', 'a b', 'a+b', long, `${long}y`, `${long}~`];
  assert.equal(new Set(resources.map(directoryName)).size, resources.length);
  // The twin: without the sum, cut names meet.
  assert.equal(new Set([long, `${long}y`].map((resource) => directoryName(resource).slice(0, 100))).size, 1);
});

test('the kind of a contender stands in the name of its note, and other files are no notes', () => {
  assert.equal(kindOfNote(noteName(1, 'ab12')), 'lock');
  assert.equal(kindOfNote(noteName(12, 'ab12')), 'semaphore of 12');
  for (const name of ['slot-0', 'c-lock', 'c-semaphore.-ab', 'c-other-ab', 'c-lock-ab~', 'README']) {
    assert.equal(kindOfNote(name), undefined, name);
  }
});

test('a note tells host, pid, command and whether its contender holds', () => {
  const identity = { host: 'db1.example', pid: 42, command: "server:1 -x 'a\nb'" };
  const since = new Date(5);
  const text = formatNote(identity);
  const waiting = {
    state: 'waiting',
    host: 'db1.example',
    pid: 42,
    command: "server:1 -x 'a b'",
    since,
    self: true,
  };
  assert.deepEqual(parseNote(text, since, true), waiting);
  assert.deepEqual(parseNote(text + HOLDING_LINE, since, true), { ...waiting, state: 'holding' });
});

test('a command that says it holds does not make its contender a holder', () => {
  const text = formatNote({ host: 'h', pid: 1, command: 'echo\nholding\n' });
  assert.equal(parseNote(text, new Date(), false).state, 'waiting');
});

test('a note that says nothing is one of somebody unknown who waits', () => {
  const contender = parseNote('', new Date(), false);
  assert.deepEqual([contender.state, contender.host, contender.pid], ['waiting', undefined, undefined]);
});

test('holders come first, and each by how long they have been', () => {
  const at = (state: 'holding\n' | '', ms: number) => parseNote(`h:${ms} c\n${state}`, new Date(ms), false);
  const pids = inOrder([at('', 5), at('holding\n', 9), at('', 2), at('holding\n', 7)]).map(({ pid }) => pid);
  assert.deepEqual(pids, [7, 9, 2, 5]);
});
