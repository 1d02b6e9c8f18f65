import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { after, before, test } from 'node:test';
import type { Claim, LockBackend } from '../../../src/backend/contract.js';
import type { OpenOptions } from '../../../src/backend/open-options.js';
import { openZooKeeper } from '../../../src/backend/zookeeper/index.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { LeaseLostError, NotPermittedError, SessionLostError, UsageError } from '../../../src/util/errors.js';
import { silentLog } from '../../../src/util/log.js';
import { startProxy, type TcpProxy } from '../../helpers/proxy.js';
import { OPCODE } from '../../helpers/zk-frames.js';
import { startZooKeeper, type ZooKeeper } from '../../helpers/zookeeper.js';
import { never, openSession } from './kit.js';
import { treeBelow } from './tree.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

function open(address: string, part: Partial<OpenOptions> = {}): Promise<LockBackend> {
  const options = { ttlMs: 4000, connectLimitMs: 10_000, connectAttempts: Number.POSITIVE_INFINITY };
  return openZooKeeper(address, { ...options, clock: systemClock, log: silentLog, ...part }, never);
}

function claim(resource: string, part: Partial<Claim> = {}): Claim {
  const identity = { host: 'h', pid: 1, command: 'c' };
  return { resource, permits: 1, mode: 'exclusive', identity, ...part };
}

function lossOf(signal: AbortSignal): LeaseLostError {
  assert.ok(signal.reason instanceof LeaseLostError);
  return signal.reason;
}

/** How often who is behind the proxy has listed a line; each lists the minimum holds beside it as well. */
function looksAtLine(proxy: TcpProxy): number {
  const lists = proxy.requests.filter(({ opcode }) => opcode === OPCODE.GET_CHILDREN2);
  return lists.filter(({ frame }) => !frame.toString('latin1').includes('-__held__')).length;
}

test('a lease is kept for many session timeouts, and its deadline moves on with every renewal', async () => {
  await using backend = await open(zookeeper.address, { ttlMs: 3000 });
  const lease = await backend.acquire(claim('l/kept'), never);
  const first = lease.deadline();
  await until(() => lease.deadline() > first + 6000, 'two session timeouts have been renewed');
  assert.equal(lease.isLost(), false);
  await lease.release();
});

test('renewals disturb nobody: who waits behind the holder hears of none of them', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using holder = await open(zookeeper.address, { ttlMs: 3000 });
  await using waiter = await open(proxy.address, { ttlMs: 10_000 });
  const lease = await holder.acquire(claim('l/quiet'), never);
  const waiting = waiter.acquire(claim('l/quiet'), never);
  const looks = () => looksAtLine(proxy);
  await until(() => looks() > 0, 'it waits');
  const before = looks();
  const deadline = lease.deadline();
  await until(() => lease.deadline() > deadline + 1500, 'six renewals');
  assert.ok(looks() - before <= 1, `${looks() - before} looks: one is the rhythm of the pings`);
  await lease.release();
  await (await waiting).release();
});

test('one release wakes one waiter, however many there are', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using holder = await open(zookeeper.address);
  const lease = await holder.acquire(claim('l/herd'), never);
  const sessions = await Promise.all(Array.from({ length: 8 }, () => open(proxy.address, { ttlMs: 10_000 })));
  const waiting = sessions.map((session) => session.acquire(claim('l/herd'), never));
  // Each waiter watches its predecessor, and the holder its own node.
  const watched = async () => [...(await zookeeper.server().watchers()).keys()];
  await until(
    async () => (await watched()).filter((path) => path.startsWith('/l/herd/')).length === 8,
    'all wait',
  );
  const looks = () => looksAtLine(proxy);
  const before = looks();
  await lease.release();
  await Promise.race(waiting);
  assert.ok(
    looks() - before <= 2,
    `${looks() - before} looks: the next holder's, and that of the one behind it`,
  );
  await Promise.all(waiting.map(async (each) => (await each).release()));
  await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
});

test('a silent server loses the lease in time, and the reason says for how long it was silent', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using backend = await open(proxy.address, { ttlMs: 1000 });
  const lease = await backend.acquire(claim('l/silent'), never);
  proxy.mode = 'blackhole';
  await until(() => lease.lost.aborted, 'the lease is lost');
  const loss = lossOf(lease.lost);
  assert.equal(loss.lossCause, 'silence');
  assert.match(loss.message, /acknowledged no renewal for \d+ ms/);
  assert.ok(loss.remainingMs > 0 && loss.remainingMs < 300, `${loss.remainingMs} ms`);
});

test('a silence that ends before the stop is due does not touch the lease', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using backend = await open(proxy.address, { ttlMs: 8000 });
  const lease = await backend.acquire(claim('l/short'), never);
  proxy.mode = 'blackhole';
  const deadline = lease.deadline();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  proxy.mode = 'pass';
  proxy.reset();
  await until(() => lease.deadline() > deadline + 1000, 'it is renewed again');
  assert.equal(lease.isLost(), false);
  await lease.release();
});

test('an admin who deletes the lock node is noticed at once', async () => {
  await using admin = await openSession(zookeeper.address);
  await using backend = await open(zookeeper.address, { ttlMs: 10_000 });
  const lease = await backend.acquire(claim('l/deleted'), never);
  const node = (await treeBelow(admin, '/l/deleted')).at(-1);
  assert.ok(node);
  await admin.nodes.remove(node);
  await until(() => lease.lost.aborted, 'the lease is lost');
  assert.deepEqual([lossOf(lease.lost).lossCause, lossOf(lease.lost).remainingMs], ['deleted', 0]);
});

test('a waiter whose node is deleted joins again at the end', async () => {
  await using admin = await openSession(zookeeper.address);
  await using holder = await open(zookeeper.address);
  await using waiter = await open(zookeeper.address, { ttlMs: 1000 });
  const lease = await holder.acquire(claim('l/again'), never);
  const waiting = waiter.acquire(claim('l/again'), never);
  const line = async () =>
    (await admin.nodes.getChildren('/l/again')).sort((a, b) => a.slice(-10).localeCompare(b.slice(-10)));
  await until(async () => (await line()).length === 2, 'it waits');
  const place = (await line())[1];
  await admin.nodes.remove(`/l/again/${place}`);
  await until(async () => (await line()).length === 2 && (await line())[1] !== place, 'it has a new place');
  await lease.release();
  await (await waiting).release();
});

test('a parent that is deleted between two steps is made again', async () => {
  await using admin = await openSession(zookeeper.address);
  await using backend = await open(zookeeper.address);
  for (let round = 0; round < 5; round += 1) {
    const lease = await backend.acquire(claim('l/parent'), never);
    await lease.release();
    await admin.nodes.remove('/l').catch(() => {});
  }
});

test('foreign children in the lock’s directory do not count, and contenders of other clients do', async () => {
  await using admin = await openSession(zookeeper.address);
  await using backend = await open(zookeeper.address);
  const parents = ['/l', '/l/foreign', '/l/foreign/readme', '/l/foreign/x__lock__12', '/l/foreign/x__lock__'];
  for (const path of parents) await admin.nodes.create(path, Buffer.alloc(0), 'persistent').catch(() => {});
  await (await backend.acquire(claim('l/foreign'), never)).release();
  const curator = '/l/foreign/_c_5a6b7c8d-1111-2222-3333-444455556666-lock-';
  const node = await admin.nodes.create(curator, Buffer.from('curator'), 'ephemeral-sequential');
  assert.equal(await backend.tryAcquire(claim('l/foreign'), never), undefined);
  await admin.nodes.remove(node);
  await (await backend.acquire(claim('l/foreign'), never)).release();
});

test('the loss grace is checked against the timeout that the server gave', async () => {
  await using backend = await open(zookeeper.address, { ttlMs: 60_000 });
  await assert.rejects(
    backend.acquire(claim('l/grace', { lossGraceMs: 8000 }), never),
    (error) => error instanceof UsageError && /8 s.*session timeout of 10 s/.test(error.message),
  );
});

test('a waiter whose session ends is told so', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using holder = await open(zookeeper.address);
  const waiter = await open(proxy.address, { ttlMs: 1000 });
  const lease = await holder.acquire(claim('l/ends'), never);
  const waiting = waiter.acquire(claim('l/ends'), never);
  proxy.mode = 'blackhole';
  await assert.rejects(waiting, SessionLostError);
  await waiter[Symbol.asyncDispose]();
  await lease.release();
});

test('with creator-only access nobody else can touch our nodes, and the lease is kept and given back', async () => {
  const creator = { acl: 'creator', login: Buffer.from('us:secret') } as const;
  await using backend = await open(zookeeper.address, { ...creator, ttlMs: 3000 });
  await using stranger = await open(zookeeper.address);
  await using friend = await open(zookeeper.address, creator);
  const lease = await backend.acquire(claim('private/acl'), never);
  await assert.rejects(stranger.tryAcquire(claim('private/acl'), never), NotPermittedError);
  assert.equal(await friend.tryAcquire(claim('private/acl'), never), undefined);
  const first = lease.deadline();
  await until(() => lease.deadline() > first + 500, 'it is renewed');
  await lease.release();
  await (await friend.acquire(claim('private/acl'), never)).release();
});

test('credentials are shown again on every new connection, before anything else is asked', async () => {
  await using proxy = await startProxy(zookeeper.address);
  const creator = { acl: 'creator', login: Buffer.from('us:secret') } as const;
  await using backend = await open(proxy.address, { ...creator, ttlMs: 8000 });
  const lease = await backend.acquire(claim('private3/acl'), never);
  for (let round = 0; round < 3; round += 1) {
    proxy.reset();
    const deadline = lease.deadline();
    await until(() => lease.deadline() > deadline + 500, 'it is renewed over the new connection');
  }
  assert.equal(lease.isLost(), false);
  await lease.release();
});

test('a wrong password is refused with a word on where it came from', async () => {
  const creator = { acl: 'creator', login: Buffer.from('us:secret') } as const;
  await using backend = await open(zookeeper.address, creator);
  await using wrong = await open(zookeeper.address, { ...creator, login: Buffer.from('us:guess') });
  const lease = await backend.acquire(claim('private2/acl'), never);
  await assert.rejects(
    wrong.acquire(claim('private2/acl'), never),
    (error) =>
      error instanceof NotPermittedError &&
      /with the credentials given/.test(error.message) &&
      error.settings.includes('login'),
  );
  await lease.release();
});

test('a session that grants again and again, through reconnects, keeps no listener of what has ended', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address, { ttlMs: 6000 });
  const listeners = () => getEventListeners(session.over, 'abort').length;
  const before = listeners();
  proxy.reset();
  await until(() => !session.isConnected, 'the connection is gone');
  await Promise.all(Array.from({ length: 20 }, () => session.connected()));
  assert.equal(listeners(), before, 'those who waited for the reconnect');

  await using backend = await open(zookeeper.address);
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on('warning', warned);
  for (let round = 0; round < 50; round += 1) {
    const lease = await backend.acquire(claim('l/again'), never);
    await lease.release();
  }
  // Warnings are emitted at the next tick.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', warned);
  assert.deepEqual(warnings, []);
});
