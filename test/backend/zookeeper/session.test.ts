import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { attend } from '../../../src/backend/zookeeper/attend.js';
import { Place } from '../../../src/backend/zookeeper/lock-queue.js';
import { isUnsettled, OperationError } from '../../../src/backend/zookeeper/operation-error.js';
import { Parents } from '../../../src/backend/zookeeper/parents.js';
import type { Session } from '../../../src/backend/zookeeper/session.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';
import { startProxy } from '../../helpers/proxy.js';
import { OPCODE } from '../../helpers/zk-frames.js';
import { startZooKeeper, type ZooKeeper } from '../../helpers/zookeeper.js';
import { never, openSession } from './kit.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

const empty = Buffer.alloc(0);

/** A place to take in a queue whose directory exists. */
async function placeIn(session: Session, directory: string): Promise<Place> {
  const parents = new Parents(session);
  await parents.ensure(directory, empty, never);
  return new Place({ session, parents, clock: systemClock, log: silentLog }, directory);
}

test('trap 6: A half-open connection (pongs stop, writes succeed) is declared dead within 2/3 of the timeout', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address);
  // What is written still goes out; nothing comes in.
  proxy.mode = 'dropToClient';
  const silentFrom = performance.now();
  await until(() => !session.isConnected, 'the silence is noticed');
  const ms = performance.now() - silentFrom;
  assert.ok(ms < (2000 * 2) / 3 + 300, `${ms} ms`);
  proxy.mode = 'pass';
  await session.connected();
  assert.deepEqual(await session.nodes.getChildren('/'), ['zookeeper']);
});

test('while there is no connection operations fail at once, and none of them is done later', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address, { ttlMs: 8000 });
  await proxy.refuseNew();
  proxy.reset();
  await until(() => !session.isConnected, 'disconnected');
  await assert.rejects(session.nodes.create('/late', empty, 'ephemeral'), isUnsettled);
  await proxy.acceptNew();
  await session.connected();
  assert.deepEqual(await session.nodes.getChildren('/'), ['zookeeper']);
});

test('every operation that is on its way when the connection ends is settled', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address);
  proxy.mode = 'dropToClient';
  const all = Array.from({ length: 20 }, () => session.nodes.getChildren('/'));
  const settled = Promise.allSettled(all);
  proxy.reset();
  proxy.mode = 'pass';
  for (const result of await settled) {
    assert.ok(result.status === 'rejected' && result.reason instanceof OperationError);
  }
});

test('a reset connection costs neither the session nor its nodes, and watches are heard of after it', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address, { ttlMs: 8000 });
  await using other = await openSession(zookeeper.address);
  const { id } = session;
  await session.nodes.create('/mine', empty, 'ephemeral');
  await other.nodes.create('/watched', empty, 'persistent');
  let fired = 0;
  await session.nodes.getData('/watched', () => {
    fired += 1;
  });
  await proxy.refuseNew();
  proxy.reset();
  await until(() => !session.isConnected, 'disconnected');
  await other.nodes.remove('/watched');
  await proxy.acceptNew();
  await session.connected();
  await until(() => fired === 1, 'the deletion during the disconnect is noticed');
  assert.equal(session.id, id);
  assert.equal((await session.nodes.getData('/mine')).stat.ephemeralOwner.readBigUInt64BE(), id);
});

test('a stream of notifications does not starve the pings', async () => {
  await using session = await openSession(zookeeper.address, { ttlMs: 1000 });
  await using other = await openSession(zookeeper.address);
  const paths = Array.from({ length: 30 }, (_, i) => `/noise-${i}`);
  let heard = 0;
  for (const path of paths) {
    await other.nodes.create(path, empty, 'ephemeral');
    await session.nodes.getData(path, () => {
      heard += 1;
    });
  }
  // One every 100 ms, for three session timeouts: reads all the time, and nothing that we ask.
  for (const [index, path] of paths.entries()) {
    await other.nodes.setData(path, empty);
    await until(() => heard === index + 1, 'it is heard');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal(session.isConnected, true);
  assert.equal(session.over.aborted, false);
});

test('pings leave nothing behind that grows', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address, { ttlMs: 1000 });
  const pings = () => proxy.requests.filter((request) => request.opcode === OPCODE.PING).length;
  await until(() => pings() >= 4, 'four pings');
  assert.ok(pings() < 20, 'each ping must not bring further ones with it');
  assert.equal(session.isConnected, true);
});

test('a watch that is set again and again on the same node is one watch, and calls its listener once', async () => {
  await using session = await openSession(zookeeper.address);
  await session.nodes.create('/once', empty, 'ephemeral');
  let fired = 0;
  const listener = () => {
    fired += 1;
  };
  for (let i = 0; i < 30; i += 1) await session.nodes.getData('/once', listener);
  await session.nodes.setData('/once', empty);
  await until(() => fired > 0, 'it fires');
  await session.nodes.getChildren('/');
  assert.equal(fired, 1);
});

test('closing takes the nodes away at once', async () => {
  await using other = await openSession(zookeeper.address);
  const session = await openSession(zookeeper.address);
  await session.nodes.create('/gone', empty, 'ephemeral');
  await session.close();
  await session.close();
  await assert.rejects(other.nodes.getData('/gone'), { code: 'NO_NODE' });
});

test('closing does not wait for a server that is frozen', async () => {
  await using proxy = await startProxy(zookeeper.address);
  const session = await openSession(proxy.address);
  proxy.mode = 'blackhole';
  const startedAt = performance.now();
  await session.close();
  assert.ok(performance.now() - startedAt < 5000);
  assert.equal(session.over.aborted, true);
});

test('a session that expired while it was cut off is over, and says so', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address, { ttlMs: 1000 });
  await using other = await openSession(zookeeper.address);
  await session.nodes.create('/expires', empty, 'ephemeral');
  proxy.mode = 'dropToServer';
  await until(
    () =>
      other.nodes.getData('/expires').then(
        () => false,
        () => true,
      ),
    'the server has expired the session',
  );
  proxy.mode = 'pass';
  await until(() => session.over.aborted, 'it is over');
  assert.ok(session.end === 'expired' || session.end === 'silence');
  await assert.rejects(session.nodes.getChildren('/'));
});

test('a chroot that does not exist is made, however deep', async () => {
  await using session = await openSession(zookeeper.address);
  const parents = new Parents(session);
  await parents.ensure('/deep/er/and/deeper', Buffer.from('x'), never);
  await parents.ensure('/deep/er/and/deeper', Buffer.from('y'), never);
  assert.equal((await session.nodes.getData('/deep/er/and/deeper')).data?.toString(), 'x');
  assert.deepEqual((await session.nodes.getData('/deep/er')).data ?? empty, empty);
});

test('trap 16: Create succeeds but the reply is lost: after reconnect exactly one node of ours exists and is used (GUID found), and after an expired session the old one is not adopted (reconnected)', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address, { ttlMs: 8000 });
  const place = await placeIn(session, '/queue');
  const dropped = proxy.dropNextReply((request) => request.opcode === OPCODE.CREATE);
  await place.join('exclusive', Buffer.from('h:1'), never);
  await dropped;
  const children = await session.nodes.getChildren('/queue');
  assert.deepEqual(
    [place.path],
    children.map((name) => `/queue/${name}`),
  );
  await place.leave();
  assert.deepEqual(await session.nodes.getChildren('/queue'), []);
});

test('leaving while the create is on its way leaves nothing behind', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address, { ttlMs: 8000 });
  const place = await placeIn(session, '/leaving');
  const stop = new AbortController();
  proxy.mode = 'dropToClient';
  const joining = place.join('exclusive', empty, stop.signal);
  await until(() => proxy.requests.some((request) => request.opcode === OPCODE.CREATE), 'the create is out');
  stop.abort(new Error('told to stop'));
  await assert.rejects(joining, /told to stop/);
  proxy.reset();
  proxy.mode = 'pass';
  await place.leave();
  assert.deepEqual(await session.nodes.getChildren('/leaving'), []);
});

test('whoever looks, looks again after a reconnect and after each wake', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address, { ttlMs: 8000 });
  let looks = 0;
  let wake = (): void => {};
  const attending = attend(session, systemClock, never, async (ring) => {
    wake = ring;
    looks += 1;
    return looks === 3 ? 'enough' : undefined;
  });
  await until(() => looks === 1, 'a first look');
  proxy.reset();
  await until(() => looks === 2, 'a look after the reconnect');
  wake();
  assert.equal(await attending, 'enough');
});
