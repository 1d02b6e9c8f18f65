import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Claim, LockBackend } from '../../../src/backend/contract.js';
import { openZooKeeper } from '../../../src/backend/zookeeper/index.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { WrongKindError } from '../../../src/util/errors.js';
import { silentLog } from '../../../src/util/log.js';
import { startZooKeeper, type ZooKeeper } from '../../helpers/zookeeper.js';
import { kazoo } from './kazoo-peer.js';
import { never } from './kit.js';

let zookeeper: ZooKeeper;
let ours: LockBackend;
before(async () => {
  zookeeper = await startZooKeeper();
  const connectAttempts = Number.POSITIVE_INFINITY;
  const options = {
    ttlMs: 4000,
    connectLimitMs: 10_000,
    connectAttempts,
    clock: systemClock,
    log: silentLog,
  };
  ours = await openZooKeeper(zookeeper.address, options, never);
});
after(async () => {
  await ours[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

function claim(resource: string, part: Partial<Claim> = {}): Claim {
  const identity = { host: 'ours', pid: 1, command: 'sleep 1' };
  return { resource, permits: 1, mode: 'exclusive', identity, ...part };
}

const settled = async (work: Promise<unknown>) => {
  let done = false;
  work.finally(() => {
    done = true;
  });
  return () => done;
};

test('waits for a lock that the Python lockex holds, is seen by it, and gets the lock after it', async () => {
  await using peer = await kazoo(zookeeper.address, 'lock', '/k/a', 'theirs:2');
  assert.equal(await peer.ask('acquire'), 'acquired');
  assert.equal(await ours.tryAcquire(claim('k/a'), never), undefined);
  const waiting = ours.acquire(claim('k/a'), never);
  await until(async () => (await ours.contenders('k/a', never)).length === 2, 'both contend');
  assert.equal(await peer.ask('contenders'), 'theirs:2|ours:1 sleep 1');
  const [holder] = await ours.contenders('k/a', never);
  assert.deepEqual([holder?.state, holder?.host, holder?.pid], ['holding', 'theirs', 2]);
  assert.equal(await peer.ask('release'), 'released');
  await (await waiting).release();
});

test('holds a lock against the Python lockex, and hands over to it', async () => {
  const lease = await ours.acquire(claim('k/b'), never);
  await using peer = await kazoo(zookeeper.address, 'lock', '/k/b', 'theirs:2');
  assert.equal(await peer.ask('try'), 'refused');
  const theirs = peer.ask('acquire');
  const done = await settled(theirs);
  await until(async () => (await ours.contenders('k/b', never)).length === 2, 'they wait');
  assert.equal(done(), false);
  await lease.release();
  assert.equal(await theirs, 'acquired');
});

test('takes over from a Python lockex that was killed', async () => {
  await using peer = await kazoo(zookeeper.address, 'lock', '/k/c', 'theirs:2');
  assert.equal(await peer.ask('acquire'), 'acquired');
  const waiting = ours.acquire(claim('k/c'), never);
  peer.kill();
  await (await waiting).release();
});

test('a reader shares with readers of kazoo and waits for its writers', async () => {
  await using reader = await kazoo(zookeeper.address, 'read', '/k/d', 'reader:2');
  await using writer = await kazoo(zookeeper.address, 'write', '/k/d', 'writer:3');
  assert.equal(await reader.ask('acquire'), 'acquired');
  const shared = await ours.acquire(claim('k/d', { mode: 'shared' }), never);
  const writing = writer.ask('acquire');
  const done = await settled(writing);
  await until(async () => (await ours.contenders('k/d', never)).length === 3, 'the writer waits');
  assert.equal(await reader.ask('release'), 'released');
  const second = ours.acquire(claim('k/d', { mode: 'shared' }), never);
  const secondDone = await settled(second);
  await until(
    async () => (await ours.contenders('k/d', never)).length === 3,
    'a reader waits behind the writer',
  );
  assert.deepEqual([done(), secondDone()], [false, false]);
  await shared.release();
  assert.equal(await writing, 'acquired');
  assert.equal(await writer.ask('release'), 'released');
  await (await second).release();
});

test('shares a semaphore with kazoo: together never more than its permits, and both ways of handing over', async () => {
  await using peer = await kazoo(zookeeper.address, 'semaphore', '/k/e', 'theirs:2', 2);
  await using third = await kazoo(zookeeper.address, 'semaphore', '/k/e', 'third:3', 2);
  assert.equal(await peer.ask('acquire'), 'acquired');
  const lease = await ours.acquire(claim('k/e', { permits: 2 }), never);
  assert.equal(await ours.tryAcquire(claim('k/e', { permits: 2 }), never), undefined);
  assert.equal(await third.ask('try'), 'refused');
  const holders = (await peer.ask('contenders')).split('|').sort();
  assert.deepEqual(holders, ['ours:1 sleep 1', 'theirs:2']);

  const waiting = ours.acquire(claim('k/e', { permits: 2 }), never);
  await until(async () => (await ours.contenders('k/e', never)).length === 3, 'we wait');
  assert.equal(await peer.ask('release'), 'released');
  const second = await waiting;

  const theirs = third.ask('acquire');
  const done = await settled(theirs);
  await until(async () => (await ours.contenders('k/e', never)).length === 3, 'they wait');
  assert.equal(done(), false);
  await lease.release();
  assert.equal(await theirs, 'acquired');
  await second.release();
});

test('refuses a semaphore that kazoo made with another number of permits, and is refused by kazoo likewise', async () => {
  await using peer = await kazoo(zookeeper.address, 'semaphore', '/k/f', 'theirs:2', 2);
  assert.equal(await peer.ask('acquire'), 'acquired');
  await assert.rejects(ours.acquire(claim('k/f', { permits: 3 }), never), WrongKindError);
  await assert.rejects(ours.acquire(claim('k/f'), never), WrongKindError);
  const lease = await ours.acquire(claim('k/g', { permits: 3 }), never);
  await using other = await kazoo(zookeeper.address, 'semaphore', '/k/g', 'theirs:2', 2);
  assert.match(await other.ask('acquire'), /^error Inconsistent max leases: 3, expected: 2/);
  await lease.release();
});
