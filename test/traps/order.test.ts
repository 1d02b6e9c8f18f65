import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { LockBackend } from '../../src/backend/contract.js';
import { parseNode } from '../../src/backend/zookeeper/contender-names.js';
import { scope } from '../helpers/scope.js';
import { setCounter } from '../helpers/zk-counter.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { bench, open, PATIENT } from './kit.js';

/** The last number that a server's counter has. */
const LAST = 2 ** 31 - 1;
/** Locks whose next contender is given the number before that. */
const WORN = ['one-by-one', 'at-once'];

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper(PATIENT);
  const making = await Probe.open(zookeeper.address);
  await making.create('/o');
  for (const lock of WORN) {
    await making.create(`/o/${lock}`);
    await making.create(`/o/${lock}/first`);
  }
  await making.close();
  await zookeeper.server().stop();
  for (const lock of WORN) await setCounter(zookeeper.server(), `/o/${lock}/first`, LAST - 1);
  await zookeeper.server().start();
  probe = await Probe.open(zookeeper.address);
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

/** The tokens of the contenders in a directory, first come first: a token is the transaction that made the node. */
async function tokensIn(directory: string): Promise<bigint[]> {
  const names = (await probe.children(directory)).filter((name) => parseNode(name) !== undefined);
  const stats = await Promise.all(names.map((name) => probe.stat(`${directory}/${name}`)));
  return stats.flatMap((stat) => stat?.czxid ?? []).sort((a, b) => (a < b ? -1 : 1));
}

/** Takes the lock, gives it back, and tells by which token it was held. */
async function serve(session: LockBackend, resource: string, during: () => Promise<void>): Promise<bigint> {
  const table = bench();
  const lease = await table.granted(table.contend(session, { resource }));
  await during();
  await lease.release();
  return lease.fencingToken ?? 0n;
}

test('trap 19: The lock is decided by numeric sequence, not by whole-name sort: random GUID prefixes never change the order', async (t) => {
  const on = scope(t);
  const resource = 'o/names';
  await probe.create(`/${resource}`);
  const of = (digit: string) => `/${resource}/${digit.repeat(32)}__lock__`;
  const before = await probe.create(of('f'), 'kazoo', 'ephemeral-sequential');
  const table = bench();
  const waiter = await table.wait(await open(on, zookeeper.address), { resource });
  const behind = await probe.create(of('0'), 'kazoo', 'ephemeral-sequential');
  const [first, ours, last] = await probe.children(`/${resource}`);
  assert.deepEqual(
    [`/${resource}/${first}`, `/${resource}/${last}`],
    [behind, before],
    'the twin: a sort of the names says the opposite',
  );
  await probe.remove(before);
  const lease = await table.granted(waiter);
  assert.equal(lease.fencingToken, (await probe.stat(`/${resource}/${ours}`))?.czxid);
  await lease.release();
  await probe.remove(behind);
});

test('trap 20: Order stays right across 2147483647 → −2147483648 (serial-number arithmetic, "-" in the suffix parsed) (one after the other)', async (t) => {
  const on = scope(t);
  const resource = 'o/one-by-one';
  const table = bench();
  const sessions = await Promise.all(Array.from({ length: 8 }, () => open(on, zookeeper.address)));
  const [first = assert.fail(), ...rest] = sessions;
  let lease = await table.acquire(first, { resource });
  const waiting = [];
  for (const session of rest) waiting.push(await table.wait(session, { resource }));
  // ZooKeeper's manual says that the number wraps. That of 3.8 stays where it is, for whoever comes one after the other.
  const numbers = (await probe.children(`/${resource}`)).flatMap((name) => parseNode(name)?.sequence ?? []);
  t.diagnostic(numbers.join(' '));
  assert.ok(numbers.includes(LAST));
  const tokens = await tokensIn(`/${resource}`);
  const held = [lease.fencingToken];
  for (const next of waiting) {
    assert.equal(next.outcome(), 'pending');
    await lease.release();
    lease = await table.granted(next);
    held.push(lease.fencingToken);
  }
  await lease.release();
  assert.deepEqual(held, tokens);
});

test('trap 20: Order stays right across 2147483647 → −2147483648 (serial-number arithmetic, "-" in the suffix parsed) (all at once)', async (t) => {
  const on = scope(t);
  const resource = 'o/at-once';
  const sessions = await Promise.all(Array.from({ length: 10 }, () => open(on, zookeeper.address)));
  let inside = 0;
  const held: bigint[] = [];
  const serving = sessions.map(async (session) => {
    const token = await serve(session, resource, async () => {
      inside += 1;
      assert.equal(inside, 1, 'two at once');
      const [oldest] = await tokensIn(`/${resource}`);
      held.push(oldest ?? 0n);
      inside -= 1;
    });
    return token;
  });
  const tokens = await Promise.all(serving);
  assert.deepEqual(
    held,
    tokens.sort((a, b) => (a < b ? -1 : 1)),
    'the holder was the oldest, each time',
  );
});
