import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contender } from '../../src/backend/contract.js';
import { onlooker } from '../../src/cli/onlooker.js';
import { describeHolders, describeQueue } from '../../src/cli/waiting.js';
import { silentLog } from '../../src/util/log.js';

const now = new Date(2026, 10, 21, 14, 0, 0);
const holder: Contender = {
  state: 'holding',
  host: 'db1',
  pid: 4242,
  command: 'redis-server redis.conf',
  since: new Date(2026, 10, 21, 12, 3, 4),
  self: false,
};
const waiter: Contender = { ...holder, state: 'waiting', host: 'db2', pid: 7, command: undefined };
const self: Contender = { ...waiter, host: 'db3', self: true };
const say = (...contenders: Contender[]) => describeQueue(contenders, 'fair', now).message;

test('lockex says who holds, with which command, since when, and our place in line', () => {
  assert.equal(
    say(holder, waiter, self),
    'waiting: held by db1:4242 (redis-server redis.conf) since 12:03:04; we are 2nd in line',
  );
  assert.deepEqual(describeQueue([holder, waiter, self], 'fair', now).fields, {
    holders: ['db1:4242 (redis-server redis.conf) since 12:03:04'],
    place: 2,
  });
});

test('lockex says until when a minimum hold keeps the lock, and that its holder has ended', () => {
  const kept: Contender = { ...holder, command: 'true', heldUntil: new Date(2026, 10, 21, 14, 3, 4) };
  assert.equal(
    say(kept, self),
    'waiting: held until 14:03:04 by db1:4242 (true), which has ended (minimum hold); we are next in line',
  );
  assert.deepEqual(describeQueue([kept, self], 'fair', now).fields.holders, [
    'db1:4242 (true) until 14:03:04 (minimum hold)',
  ]);
  assert.equal(
    say({ ...holder, since: undefined, command: undefined }, kept, self),
    'waiting: held by db1:4242 and until 14:03:04 by db1:4242 (true), which has ended (minimum hold); we are next in line',
  );
});

test('lockex says who holds to one who does not wait, and nothing of a line', () => {
  assert.equal(
    describeHolders([holder, waiter], now),
    'held by db1:4242 (redis-server redis.conf) since 12:03:04',
  );
});

test('lockex speaks of no line where there is none: who is quickest is next', () => {
  const race = (...contenders: Contender[]) => describeQueue(contenders, 'race', now);
  const held = 'waiting: held by db1:4242 (redis-server redis.conf) since 12:03:04';
  assert.deepEqual(race(holder, self).message, held);
  const { message, fields } = race(holder, waiter, self);
  assert.equal(message, `${held}; 1 other waits, too, and who is quickest is next`);
  assert.equal(fields.place, undefined);
  assert.match(race(holder, waiter, waiter, self).message, /; 2 others wait, too/);
});

test('lockex gives the date of what is not of today', () => {
  const old = { ...holder, since: new Date(2026, 0, 2, 3, 4, 5) };
  assert.match(say(old, self), /since 2026-01-02 03:04:05; we are next in line$/);
});

test('lockex says only what it knows of a holder', () => {
  const unknown: Contender = {
    ...holder,
    host: undefined,
    pid: undefined,
    command: undefined,
    since: undefined,
  };
  assert.equal(say(unknown, self), 'waiting: held by somebody unknown; we are next in line');
  assert.equal(say({ ...unknown, host: 'db1' }), 'waiting: held by db1');
  assert.equal(say(self), 'waiting: no holder is seen; we are next in line');
});

test('lockex names three holders of a semaphore, and counts the others', () => {
  const holders = ['a', 'b', 'c', 'd', 'e'].map((host) => ({
    ...holder,
    host,
    command: undefined,
    since: undefined,
  }));
  assert.equal(
    say(...holders, self),
    'waiting: held by a:4242 and b:4242 and c:4242 and 2 more; we are next in line',
  );
});

test('lockex counts places as people do', () => {
  const place = (n: number) => say(...Array.from({ length: n - 1 }, () => waiter), self).split('we are ')[1];
  assert.deepEqual(
    [1, 2, 3, 4, 11, 12, 13, 21, 22, 111].map(place),
    ['next', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '22nd', '111th'].map(
      (word) => `${word} in line`,
    ),
  );
});

test('lockex logs one line for each change while it waits, and none for what is still the same', () => {
  const lines: string[] = [];
  const log = { ...silentLog, info: (_: object, line: string) => void lines.push(line) };
  const see = onlooker({ log, spinner: undefined }, 'fair', () => now);
  see([holder, waiter, self]);
  see([holder, waiter, self]);
  see([holder, self]);
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? '', /we are next in line$/);
});
