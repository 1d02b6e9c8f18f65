import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Claim, LockBackend } from '../../../src/backend/contract.js';
import type { OpenOptions } from '../../../src/backend/open-options.js';
import { openZooKeeper } from '../../../src/backend/zookeeper/index.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { type Log, silentLog } from '../../../src/util/log.js';
import { startProxy } from '../../helpers/proxy.js';
import { OPCODE, type Request } from '../../helpers/zk-frames.js';
import { startZooKeeper, type ZooKeeper } from '../../helpers/zookeeper.js';
import { never, openSession } from './kit.js';
import { treeBelow } from './tree.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

/** Longer than any test: who waits it does not come to its end. */
const FOR_EVER_MS = 3_600_000;

/** A log that keeps the warnings. */
function warnings(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: { ...silentLog, warn: (_, message) => void lines.push(message) }, lines };
}

function open(address: string, part: Partial<OpenOptions> = {}): Promise<LockBackend> {
  const options = { ttlMs: 4000, connectLimitMs: 10_000, connectAttempts: Number.POSITIVE_INFINITY };
  return openZooKeeper(address, { ...options, clock: systemClock, log: silentLog, ...part }, never);
}

function claim(resource: string, part: Partial<Claim> = {}): Claim {
  const identity = { host: 'h', pid: 1, command: 'c' };
  return { resource, permits: 1, mode: 'exclusive', identity, handoverDelayMs: FOR_EVER_MS, ...part };
}

/** The path of a create or a delete: the first field after the header, its length in four bytes before it. */
function pathOf({ frame }: Request): string {
  const length = frame.readInt32BE(12);
  return frame.toString('utf8', 16, 16 + length);
}

for (const [what, part] of [
  ['readers', { mode: 'shared' }],
  ['holders of a semaphore', { permits: 4 }],
] as const) {
  test(`${what} that come and go side by side are never taken for crashed ones`, async () => {
    const waited = new AbortController();
    const log: Log = { ...silentLog, warn: (_, message) => waited.abort(new Error(message)) };
    const sessions = await Promise.all(Array.from({ length: 4 }, () => open(zookeeper.address, { log })));
    const comeAndGo = async (session: LockBackend) => {
      for (let round = 0; round < 20; round += 1) {
        const lease = await session.acquire(claim(`h/${what}`, part), waited.signal);
        await lease.release();
      }
    };
    await Promise.all(sessions.map(comeAndGo));
    await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
    await using admin = await openSession(zookeeper.address);
    assert.deepEqual((await treeBelow(admin, '/h')).slice(1), []);
  });
}

test('what is no marker of ours beside a lock is neither waited for nor removed', async () => {
  await using admin = await openSession(zookeeper.address);
  await using backend = await open(zookeeper.address);
  const foreign = ['/f', '/f/x-__unreleased__', '/f/x-__unreleased__/readme'];
  for (const path of foreign) await admin.nodes.create(path, Buffer.alloc(0), 'persistent');
  await (await backend.acquire(claim('f/x'), never)).release();
  assert.deepEqual(await treeBelow(admin, '/f'), foreign);
});

test('a marker whose create was answered by silence is one marker, and goes with its lease', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using admin = await openSession(zookeeper.address);
  await using backend = await open(proxy.address);
  // The directory is there already: the first create below it is the marker's.
  for (const path of ['/d', '/d/x-__unreleased__']) {
    await admin.nodes.create(path, Buffer.alloc(0), 'persistent');
  }
  const dropped = proxy.dropNextReply(
    (request) => request.opcode === OPCODE.CREATE && pathOf(request).includes('unreleased__/'),
  );
  const lease = await backend.acquire(claim('d/x'), never);
  await dropped;
  assert.equal((await admin.nodes.getChildren('/d/x-__unreleased__')).length, 1);
  await lease.release();
  assert.deepEqual(await treeBelow(admin, '/d'), ['/d']);
});

test('a session that ends with a lease leaves a marker, and one that ends while waiting leaves none', async () => {
  await using admin = await openSession(zookeeper.address);
  await using proxy = await startProxy(zookeeper.address);
  const holder = await open(proxy.address, { ttlMs: 1000 });
  const waiter = await open(proxy.address, { ttlMs: 1000 });
  await holder.acquire(claim('s/x'), never);
  const waiting = waiter.acquire(claim('s/x'), never);
  waiting.catch(() => {});
  await until(async () => (await admin.nodes.getChildren('/s/x')).length === 2, 'one holds and one waits');
  proxy.mode = 'blackhole';
  await assert.rejects(waiting);
  await until(async () => (await admin.nodes.getChildren('/s/x')).length === 0, 'both sessions are over');
  assert.equal((await admin.nodes.getChildren('/s/x-__unreleased__')).length, 1);
  await Promise.all([holder, waiter].map((session) => session[Symbol.asyncDispose]()));
  const { log, lines } = warnings();
  await using next = await open(zookeeper.address, { log });
  await (await next.acquire(claim('s/x', { handoverDelayMs: 50 }), never)).release();
  assert.deepEqual(
    lines.map((line) => /^h:1 \(c\) ended/.test(line)),
    [true],
  );
  assert.deepEqual(await treeBelow(admin, '/s'), ['/s']);
});

test('the marker is there before the lease is confirmed, and goes before the node does', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using backend = await open(proxy.address);
  const lease = await backend.acquire(claim('o/x'), never);
  await lease.release();
  const sent = proxy.requests.map((request) => `${request.opcode} ${pathOf(request)}`);
  const last = (opcode: number, path: RegExp) =>
    sent.findLastIndex((line) => line.startsWith(`${opcode} `) && path.test(line));
  const node = /\/o\/x\/[0-9a-f]{32}__lock__\d{10}$/;
  const marker = /\/o\/x-__unreleased__\/[0-9a-f]{32}__lock__\d{10}$/;
  const steps = [
    last(OPCODE.CREATE, marker),
    last(OPCODE.SET_DATA, node),
    last(OPCODE.DELETE, marker),
    last(OPCODE.DELETE, node),
  ];
  assert.ok(!steps.includes(-1), sent.join('\n'));
  assert.deepEqual(
    steps,
    [...steps].sort((a, b) => a - b),
  );
});
