import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  holdersOf,
  parseNode,
  queueOf,
  tellOrder,
  turnOf,
} from '../../../src/backend/zookeeper/contender-names.js';

const exclusive = (id: string, sequence: string) => `${id}__lock__${sequence}`;
const shared = (id: string, sequence: string) => `${id}__rlock__${sequence}`;
const names = (children: readonly string[]) => queueOf(children).map((node) => node.name);

test('trap 19: The lock is decided by numeric sequence, not by whole-name sort: random GUID prefixes never change the order (the rule)', () => {
  const first = exclusive('ffff', '0000000001');
  const second = exclusive('0000', '0000000002');
  assert.deepEqual(names([second, first]), [first, second]);
  assert.deepEqual(
    [second, first].sort(),
    [second, first],
    'the twin: sorting the names gives the lock to the second',
  );
});

test('trap 20: Order stays right across 2147483647 → −2147483648 (serial-number arithmetic, "-" in the suffix parsed) (the rule)', () => {
  const children = ['-2147483647', '2147483646', '-2147483648', '2147483647'].map((n, i) =>
    exclusive(`${i}`, n),
  );
  assert.deepEqual(
    queueOf(children).map((node) => node.sequence),
    [2147483646, 2147483647, -2147483648, -2147483647],
  );
  assert.notDeepEqual(
    children.flatMap((name) => parseNode(name)?.sequence ?? []).sort((a, b) => a - b)[0],
    2147483646,
    'the twin: plain numeric order gives the lock to a newcomer',
  );
});

test('trap 20: Order stays right across 2147483647 → −2147483648 (serial-number arithmetic, "-" in the suffix parsed) (a sign, in every width that the server writes)', () => {
  assert.equal(parseNode('a__lock__-000000005')?.sequence, -5);
  assert.equal(parseNode('a__lock__-2147483648')?.sequence, -2147483648);
  assert.equal(parseNode('_c_x-lock--000000005')?.sequence, -5);
});

test('at the end of the server’s counter the numbers do not tell who came first, and before it they do', () => {
  const queue = (...numbers: string[]) => queueOf(numbers.map((number, i) => exclusive(`${i}`, number)));
  assert.equal(tellOrder(queue('0000000000', '2147483646')), true);
  assert.equal(tellOrder(queue('2147483646', '2147483647', '2147483647')), false);
  assert.equal(tellOrder(queue('2147483647', '-2147483648')), false);
  const [a, b] = [exclusive('a', '2147483647'), exclusive('b', '2147483647')];
  assert.notDeepEqual(
    names([a, b]),
    names([b, a]),
    'the twin: by the names, whom the server lists first is first',
  );
});

test('trap 21: Foreign or malformed children in the directory are ignored, not crashed on, and never counted (the rule)', () => {
  const foreign = [
    'readme',
    '',
    'x__lock__',
    'x__lock__12',
    'x__lock__00000000001',
    'x__lock__abcdefghij',
    '__lock__9999999999',
    'lease-0000000001',
  ];
  assert.deepEqual(queueOf(foreign), []);
});

test('contenders of kazoo, Curator and go-zookeeper in the same directory count', () => {
  const ours = exclusive('a'.repeat(32), '0000000007');
  const curator = '_c_5a6b7c8d-1111-2222-3333-444455556666-lock-0000000005';
  const go = '_c_0123456789abcdef0123456789abcdef-lock-0000000006';
  assert.deepEqual(names([ours, go, curator]), [curator, go, ours]);
  assert.deepEqual(turnOf(queueOf([ours, go, curator]), ours), { turn: 'wait', behind: go });
});

test('an exclusive contender waits for everybody before it, and watches the last of them', () => {
  const queue = queueOf([shared('a', '0000000001'), shared('b', '0000000002'), exclusive('c', '0000000003')]);
  assert.deepEqual(turnOf(queue, exclusive('c', '0000000003')), {
    turn: 'wait',
    behind: shared('b', '0000000002'),
  });
});

test('a shared contender waits only for exclusive ones before it', () => {
  const children = [
    shared('a', '0000000001'),
    shared('b', '0000000002'),
    exclusive('c', '0000000003'),
    shared('d', '0000000004'),
  ];
  const queue = queueOf(children);
  assert.deepEqual(turnOf(queue, shared('b', '0000000002')), { turn: 'ours' });
  assert.deepEqual(turnOf(queue, shared('d', '0000000004')), {
    turn: 'wait',
    behind: exclusive('c', '0000000003'),
  });
  assert.deepEqual(
    holdersOf(queue).map((node) => node.name),
    children.slice(0, 2),
  );
});

test("trap 23: A middle waiter's death doesn't grant the lock to its successor while the holder lives (the rule)", () => {
  const [holder, , last] = [
    exclusive('a', '0000000001'),
    exclusive('b', '0000000002'),
    exclusive('c', '0000000003'),
  ];
  assert.deepEqual(turnOf(queueOf([holder, last]), last), { turn: 'wait', behind: holder });
});

test('a node that is not in the listing has lost its place', () => {
  assert.deepEqual(turnOf(queueOf([exclusive('a', '0000000001')]), exclusive('b', '0000000002')), {
    turn: 'gone',
  });
});
