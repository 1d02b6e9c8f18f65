import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import type { Claim, Contender, LockBackend } from '../../../src/backend/contract.js';
import { openZooKeeper } from '../../../src/backend/zookeeper/index.js';
import { until } from '../../../src/testing/until.js';
import { type Clock, systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';
import { startProxy } from '../../helpers/proxy.js';
import { OPCODE, type Request } from '../../helpers/zk-frames.js';
import { startZooKeeper, type ZooKeeper } from '../../helpers/zookeeper.js';
import { never, openSession } from './kit.js';
import { treeBelow } from './tree.js';

/** With this timeout, a waiter that nobody wakes looks every 40 s: none of these tests waits for that. */
const LONG_TTL_MS = 120_000;
const SOON_MS = 20_000;

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper({ maxSessionTimeout: LONG_TTL_MS });
});
after(() => zookeeper[Symbol.asyncDispose]());

/** Longer than any test: who waits it does not come to its end. */
const FOR_EVER_MS = 3_600_000;

interface Opened {
  readonly clock?: Clock;
  readonly ttlMs?: number;
}

function open(
  address = zookeeper.address,
  { clock = systemClock, ttlMs = 6000 }: Opened = {},
): Promise<LockBackend> {
  const options = { ttlMs, connectLimitMs: 10_000, connectAttempts: Number.POSITIVE_INFINITY };
  return openZooKeeper(address, { ...options, clock, log: silentLog }, never);
}

function claim(resource: string, part: Partial<Claim> = {}): Claim {
  const identity = { host: 'h', pid: 1, command: 'c' };
  return { resource, permits: 1, mode: 'exclusive', identity, ...part };
}

/** Takes a permit for a long hold, and gives it back. */
async function takeAndGiveBack(backend: LockBackend, resource: string, part: Partial<Claim> = {}) {
  await (await backend.acquire(claim(resource, { holdMs: FOR_EVER_MS, ...part }), never)).release();
}

/** The path of a request: the first field after the header, its length in four bytes before it. */
function pathOf({ frame }: Request): string {
  return frame.toString('utf8', 16, 16 + frame.readInt32BE(12));
}

/** Lets this process's date be wrong until the test ends. */
function shiftDate(t: TestContext, byMs: number): void {
  const real = globalThis.Date;
  class Shifted extends real {
    constructor(value: number | string = Shifted.now()) {
      super(value);
    }
    static override now(): number {
      return real.now() + byMs;
    }
  }
  // The constructor's other forms are used by nobody here.
  globalThis.Date = Shifted as DateConstructor;
  t.after(() => {
    globalThis.Date = real;
  });
}

for (const [who, byMs] of [
  ['ahead', 2 * FOR_EVER_MS],
  ['behind', -2 * FOR_EVER_MS],
] as const) {
  test(`a host whose clock is ${who} of the servers’ keeps to a hold as all others do`, async (t) => {
    await using a = await open();
    await using b = await open();
    await takeAndGiveBack(a, `c/${who}`);
    await (await a.acquire(claim(`c/${who}-short`, { holdMs: 1 }), never)).release();
    shiftDate(t, byMs);
    assert.equal(await b.tryAcquire(claim(`c/${who}`), never), undefined);
    const free = await b.tryAcquire(claim(`c/${who}-short`), never);
    assert.ok(free);
    await free.release();
    // The twin: what is only shown goes by the clock of who looks, and is wrong with it.
    assert.equal((await b.contenders(`c/${who}`, never)).length, who === 'ahead' ? 0 : 1);
    assert.equal(await b.tryAcquire(claim(`c/${who}`, { mode: 'shared' }), never), undefined);
  });
}

test('where nobody has asked for a hold, the look for one costs no round trip: it goes with the write that confirms', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using backend = await open(proxy.address);
  const leaving = new AbortController();
  const isConfirmation = (request: Request) => request.opcode === OPCODE.SET_DATA;
  const unanswered = proxy.dropNextReply(isConfirmation, 'keep');
  const pending = backend.acquire(claim('r/x'), leaving.signal);
  pending.catch(() => {});
  const looks = () =>
    proxy.requests.filter(
      (request) => request.opcode === OPCODE.GET_CHILDREN2 && pathOf(request) === '/r/x-__held__',
    );
  await until(() => looks().length === 1, 'it looks without an answer to its write');
  await unanswered;
  leaving.abort();
  await assert.rejects(pending);
});

test('a marker whose create was answered by silence is one marker, and counts from no earlier than the grant', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using admin = await openSession(zookeeper.address);
  await using backend = await open(proxy.address);
  for (const path of ['/d', '/d/x-__held__']) await admin.nodes.create(path, Buffer.alloc(0), 'persistent');
  const dropped = proxy.dropNextReply(
    (request) => request.opcode === OPCODE.CREATE && pathOf(request).includes('held__/'),
  );
  const lease = await backend.acquire(claim('d/x', { holdMs: FOR_EVER_MS }), never);
  await dropped;
  const markers = await admin.nodes.getChildren('/d/x-__held__');
  assert.deepEqual(markers, await admin.nodes.getChildren('/d/x'));
  const mtimeOf = async (path: string) => (await admin.nodes.getData(path)).stat.mtime.readBigInt64BE();
  assert.ok((await mtimeOf(`/d/x-__held__/${markers[0]}`)) >= (await mtimeOf(`/d/x/${markers[0]}`)));
  await lease.release();
  assert.deepEqual(await treeBelow(admin, '/d'), ['/d', '/d/x-__held__', `/d/x-__held__/${markers[0]}`]);
});

for (const permits of [1, 2]) {
  const kind = permits === 1 ? 'a lock' : 'a semaphore';
  test(`the waiter for ${kind} is granted it when a hold has passed, and when its marker is deleted, and not at its next look`, async () => {
    await using admin = await openSession(zookeeper.address);
    await using a = await open();
    await using b = await open(zookeeper.address, { ttlMs: LONG_TTL_MS });
    const resource = `o/${permits}`;
    const soonAfter = async (holdMs: number, then: (marker: string) => Promise<void>) => {
      for (let permit = permits; permit > 0; permit -= 1)
        await takeAndGiveBack(a, resource, { permits, holdMs });
      const told: (readonly Contender[])[] = [];
      const waiting = b.acquire(claim(resource, { permits, onQueue: (queue) => told.push(queue) }), never);
      await until(() => told.length > 0, 'it waits');
      const began = performance.now();
      const [marker = ''] = await admin.nodes.getChildren(`/${resource}-__held__`);
      await then(`/${resource}-__held__/${marker}`);
      await (await waiting).release();
      assert.ok(performance.now() - began < SOON_MS, 'it was woken, and did not wait for its next look');
    };
    await soonAfter(1000, async () => {});
    await soonAfter(FOR_EVER_MS, (marker) => admin.nodes.remove(marker));
  });
}

test('a hold may be of any length: with a fraction of a millisecond, as that of 1.1 m, and longer than anybody lives', async () => {
  await using admin = await openSession(zookeeper.address);
  await using a = await open();
  for (const [name, holdMs] of Object.entries({ fraction: 66_000.00000000001, short: 0.1, endless: 1e22 })) {
    await (await a.acquire(claim(`len/${name}`, { holdMs }), never)).release();
    if (name !== 'short') assert.equal(await a.tryAcquire(claim(`len/${name}`), never), undefined, name);
    const [marker = ''] = await admin.nodes.getChildren(`/len/${name}-__held__`);
    const { data } = await admin.nodes.getData(`/len/${name}-__held__/${marker}`);
    assert.match(String(data), /^\d{1,13} h:1/, name);
  }
});

test('who is told to leave while its marker is on its way leaves no hold', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using admin = await openSession(zookeeper.address);
  for (const permits of [1, 2]) {
    const held = `/u/${permits}-__held__`;
    for (const path of ['/u', held])
      await admin.nodes.create(path, Buffer.alloc(0), 'persistent').catch(() => {});
    const backend = await open(proxy.address);
    const unanswered = proxy.dropNextReply(
      (request) => request.opcode === OPCODE.CREATE && pathOf(request).startsWith(`${held}/`),
      'keep',
    );
    const leaving = new AbortController();
    const pending = backend.acquire(claim(`u/${permits}`, { permits, holdMs: FOR_EVER_MS }), leaving.signal);
    pending.catch(() => {});
    await unanswered;
    assert.equal((await admin.nodes.getChildren(held)).length, 1, 'the server has made it');
    leaving.abort();
    await assert.rejects(pending);
    await until(
      async () => !(await treeBelow(admin, '/u')).some((path) => path.startsWith(held)),
      'no marker is left',
    );
    await backend[Symbol.asyncDispose]();
  }
});

test('a marker that has passed and is written anew is not removed by who saw the one before', async () => {
  await using admin = await openSession(zookeeper.address);
  await using backend = await open();
  const marker = `/w/x-__held__/${'0'.repeat(32)}__lock__0000000001`;
  for (const path of ['/w', '/w/x-__held__']) await admin.nodes.create(path, Buffer.alloc(0), 'persistent');
  await admin.nodes.create(marker, Buffer.from('0 h:1'), 'persistent');
  const lease = await backend.acquire(claim('w/x'), never);
  await admin.nodes.setData(marker, Buffer.from(`${FOR_EVER_MS} h:1`));
  await lease.release();
  assert.deepEqual(await treeBelow(admin, '/w'), ['/w', '/w/x-__held__', marker]);
});

test('a waiter behind the one that waits for a hold is told of the hold, and of both places in line', async () => {
  await using a = await open();
  await using b = await open();
  for (const part of [{}, { permits: 2 }]) {
    const resource = `q/${part.permits ?? 1}`;
    for (let permit = part.permits ?? 1; permit > 0; permit -= 1) await takeAndGiveBack(a, resource, part);
    const leaving = new AbortController();
    const waiters = [1, 2].map(async (place) => {
      let told: readonly Contender[] = [];
      const onQueue = (queue: readonly Contender[]) => {
        told = queue;
      };
      const pending = b.acquire(claim(resource, { ...part, onQueue }), leaving.signal);
      pending.catch(() => {});
      await until(() => told.length > 0, `number ${place} waits`);
      return { pending, told: () => told };
    });
    const [first, second] = await Promise.all(waiters);
    const shape = (told: readonly Contender[] = []) =>
      told.map(({ state, heldUntil }) => (heldUntil === undefined ? state : 'kept'));
    const kept = Array.from({ length: part.permits ?? 1 }, () => 'kept');
    const places = [shape(first?.told()), shape(second?.told())].sort(
      (one, other) => one.length - other.length,
    );
    assert.deepEqual(places, [
      [...kept, 'waiting'],
      [...kept, 'waiting', 'waiting'],
    ]);
    assert.deepEqual(shape(await a.contenders(resource, never)), [...kept, 'waiting', 'waiting']);
    leaving.abort();
    await Promise.allSettled([first?.pending, second?.pending]);
  }
});

test('a hold keeps out who takes the name for another kind: all permits for that of a lock, the lock for that of a permit', async () => {
  await using a = await open();
  await using b = await open();
  const kinds = { writer: {}, reader: { mode: 'shared' }, permit: { permits: 3 } } as const;
  const comesBeside = new Set(['reader reader', 'permit permit']);
  for (const [kept, part] of Object.entries(kinds)) {
    const resource = `kinds/${kept}`;
    await takeAndGiveBack(a, resource, part);
    for (const [who, wanted] of Object.entries(kinds)) {
      const lease = await b.tryAcquire(claim(resource, wanted), never);
      assert.equal(
        lease !== undefined,
        comesBeside.has(`${kept} ${who}`),
        `${who} beside the hold of a ${kept}`,
      );
      await lease?.release();
    }
  }
});

test('a hold is confirmed anew when its marker took long, and once: servers that stay slow do not keep the lock from all', async () => {
  await using proxy = await startProxy(zookeeper.address);
  const isMarkerWrite = (request: Request) =>
    (request.opcode === OPCODE.CREATE || request.opcode === OPCODE.SET_DATA) &&
    pathOf(request).includes('held__/');
  const markerWrites = () => proxy.requests.filter(isMarkerWrite).length;
  await using admin = await openSession(zookeeper.address);
  for (const path of ['/slow', '/slow/x-__held__'])
    await admin.nodes.create(path, Buffer.alloc(0), 'persistent');
  // By this clock, each write of a marker takes more than a twelfth of the 6 s.
  const clock = { ...systemClock, now: () => systemClock.now() + 600 * markerWrites() };
  await using backend = await open(proxy.address, { clock });
  const lease = await backend.acquire(claim('slow/x', { holdMs: FOR_EVER_MS }), AbortSignal.timeout(20_000));
  // Made; then to be made anew, and written since it is there.
  assert.equal(markerWrites(), 3);
  const mtimeOf = async (path: string) => (await admin.nodes.getData(path)).stat.mtime.readBigInt64BE();
  const [marker] = await admin.nodes.getChildren('/slow/x-__held__');
  assert.ok((await mtimeOf(`/slow/x-__held__/${marker}`)) >= (await mtimeOf(`/slow/x/${marker}`)));
  await lease.release();
});

test('who holds for longer than the hold leaves no marker', async () => {
  await using admin = await openSession(zookeeper.address);
  let skewMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + skewMs };
  await using backend = await open(zookeeper.address, { clock });
  for (const permits of [1, 2]) {
    const lease = await backend.acquire(claim(`long/${permits}`, { permits, holdMs: 1 }), never);
    skewMs += 1500;
    await lease.release();
    assert.deepEqual(await treeBelow(admin, '/long'), []);
  }
});

test('what is no marker of ours beside a lock neither binds nor is removed', async () => {
  await using admin = await openSession(zookeeper.address);
  await using backend = await open();
  const foreign = ['/f', '/f/x-__held__', '/f/x-__held__/readme'];
  for (const path of foreign) await admin.nodes.create(path, Buffer.from('hands off'), 'persistent');
  const lease = await backend.tryAcquire(claim('f/x'), never);
  assert.ok(lease);
  await lease.release();
  assert.deepEqual(await treeBelow(admin, '/f'), foreign);
});

test('with a handover delay as well, a crashed holder’s lock is kept for its hold, and then for the delay', async () => {
  await using admin = await openSession(zookeeper.address);
  const holder = await open();
  await using next = await open();
  const holdMs = 1000;
  const beganAt = performance.now();
  await holder.acquire(claim('b/x', { holdMs, handoverDelayMs: FOR_EVER_MS }), never);
  const [node = ''] = await admin.nodes.getChildren('/b/x');
  // As after kill -9: the node goes with its session, and nothing is given back.
  await admin.nodes.remove(`/b/x/${node}`);
  const delayMs = 300;
  const lease = await next.acquire(claim('b/x', { handoverDelayMs: delayMs }), never);
  assert.ok(performance.now() - beganAt >= holdMs + delayMs - 15);
  await lease.release();
  await holder[Symbol.asyncDispose]();
  assert.deepEqual(await treeBelow(admin, '/b'), []);
});
