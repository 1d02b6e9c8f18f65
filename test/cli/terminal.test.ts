import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookOf } from '../../src/cli/logger.js';
import { readable } from '../../src/cli/readable.js';
import { Spinner, showSpan } from '../../src/cli/spinner.js';
import { ManualClock } from '../helpers/manual-clock.js';

const time = new Date(2026, 10, 21, 12, 3, 4).toISOString();
const settings = { level: 'info', format: undefined } as const;

test('a line of the log for people has the time, the message, and the level only where it says something', () => {
  const line = (record: object) => readable({ time, ...record }, false);
  assert.equal(line({ level: 'info', msg: 'acquired', lock: 'x' }), 'lockex 12:03:04 acquired');
  assert.equal(line({ level: 'error', msg: 'no', hint: 'try' }), 'lockex 12:03:04 error: no (try)');
  assert.equal(
    line({ level: 'debug', msg: 'seen', pid: 1, name: 'lockex', node: 'a', n: 2 }),
    'lockex 12:03:04 debug: seen node=a n=2',
  );
});

test('what other hosts wrote cannot move the cursor or forge a line', () => {
  const forged = 'held by a\x1b[2J\r\n\u202elockex 00:00:00 acquired';
  assert.equal(
    readable({ time, level: 'info', msg: forged }, false),
    'lockex 12:03:04 held by a?[2J???lockex 00:00:00 acquired',
  );
});

test('a line has colours on a terminal, unless NO_COLOR or TERM=dumb', () => {
  const look = (terminal: boolean, env: NodeJS.ProcessEnv, format?: 'json' | 'pretty') =>
    lookOf({ ...settings, format }, { terminal, env });
  assert.deepEqual(look(true, {}), { format: 'pretty', colours: true, spinner: true });
  assert.deepEqual(look(true, { NO_COLOR: '1' }), { format: 'pretty', colours: false, spinner: true });
  assert.deepEqual(look(true, { NO_COLOR: '' }), { format: 'pretty', colours: true, spinner: true });
  assert.deepEqual(look(true, { TERM: 'dumb' }), { format: 'pretty', colours: false, spinner: false });
  assert.deepEqual(look(true, {}, 'json'), { format: 'json', colours: false, spinner: false });
  assert.deepEqual(look(false, {}), { format: 'json', colours: false, spinner: false });
  assert.deepEqual(look(false, {}, 'pretty'), { format: 'pretty', colours: false, spinner: false });
  assert.equal(lookOf({ ...settings, level: 'error' }, { terminal: true, env: {} }).spinner, false);
  assert.ok(readable({ time, level: 'error', msg: 'no' }, true).endsWith('\x1b[31merror: no\x1b[0m'));
});

test('the spinner shows the time since the wait began and what is waited for, and leaves nothing behind', () => {
  const clock = new ManualClock();
  const written: string[] = [];
  const spinner = new Spinner({ write: (text) => void written.push(text) }, clock);
  const last = () => written.at(-1) ?? '';

  spinner.show('held by a');
  assert.equal(last(), '\r\x1b[2K\x1b[?7l| 0 s held by a\x1b[?7h');
  clock.advance(61_000);
  assert.match(last(), /1 min 01 s held by a/);
  spinner.show('held by b');
  assert.match(last(), /1 min 01 s held by b/);
  spinner.log('a line');
  assert.ok(last().startsWith('\r\x1b[2Ka line\n\r\x1b[2K\x1b[?7l'));
  assert.match(last(), / held by b/);
  spinner.stop();
  assert.equal(last(), '\r\x1b[2K');

  const count = written.length;
  clock.advance(10_000);
  spinner.stop();
  assert.equal(written.length, count);
  spinner.log('after');
  assert.equal(last(), 'after\n');
});

test('a span is shown as people say it', () => {
  assert.deepEqual([0, 59_999, 187_000, 7_380_000].map(showSpan), [
    '0 s',
    '59 s',
    '3 min 07 s',
    '2 h 03 min',
  ]);
});
