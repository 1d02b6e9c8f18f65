import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { LeaseLostError } from '../../src/util/errors.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { SessionThief } from '../helpers/session-thief.js';
import { OPCODE, pathOf, type Request } from '../helpers/zk-frames.js';
import { Gate } from '../helpers/zk-gate.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { bench, open, PATIENT } from './kit.js';

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper(PATIENT);
  probe = await Probe.open(zookeeper.address);
  await probe.create('/w');
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

/** The node of a lease, by its token, and those of all others in the directory. */
async function nodeOf(directory: string, token: bigint | undefined): Promise<string> {
  for (const name of await probe.children(directory)) {
    if ((await probe.stat(`${directory}/${name}`))?.czxid === token) return `${directory}/${name}`;
  }
  return assert.fail(`no node of ${token}`);
}

/** The nodes in a directory that somebody watches. */
async function watched(directory: string): Promise<string[]> {
  const paths = [...(await zookeeper.server().watchers()).keys()];
  return paths.filter((path) => path.startsWith(`${directory}/`));
}

/** Whether a request asks to be told of what becomes of a node. */
function watches(request: Request, path: string): boolean {
  const reads: readonly number[] = [OPCODE.GET_DATA, OPCODE.EXISTS];
  return reads.includes(request.opcode) && pathOf(request) === path && request.frame.at(-1) === 1;
}

test("trap 22: The predecessor vanishing between list and watch doesn't hang; exists()-on-missing never leaves us waiting on a creation (shayhatsor#26)", async (t) => {
  const on = scope(t);
  const table = bench();
  const resource = 'w/vanishes';
  const lease = await table.acquire(await open(on, zookeeper.address), { resource });
  const predecessor = await nodeOf(`/${resource}`, lease.fencingToken);
  let vanished = 0;
  const gate = await on.use(
    Gate.start(zookeeper.address, (request) => {
      if (!watches(request, predecessor)) return undefined;
      vanished += 1;
      return lease.release();
    }),
  );
  const next = await table.granted(table.contend(await open(on, gate.address), { resource }));
  assert.equal(vanished, 1, 'it was listed, and had gone when it was to be watched');
  const watchedNow = await watched(`/${resource}`);
  assert.ok(!watchedNow.includes(predecessor), 'nobody waits for it to come back');
  await next.release();
});

test("trap 23: A middle waiter's death doesn't grant the lock to its successor while the holder lives", async (t) => {
  const on = scope(t);
  const table = bench();
  const resource = 'w/middle';
  const thief = await on.use(SessionThief.start(zookeeper.address));
  const lease = await table.acquire(await open(on, zookeeper.address), { resource });
  const holder = await nodeOf(`/${resource}`, lease.fencingToken);
  const middle = await table.wait(await open(on, thief.address), { resource });
  const last = await table.wait(await open(on, zookeeper.address), { resource });
  await until(async () => (await watched(`/${resource}`)).length === 2, 'each watches the one before it');
  await thief.endSession();
  await assert.rejects(middle.lease);
  // The holder's own watch, and that of the one which was the last.
  const both = async () => (await zookeeper.server().watchers()).get(holder)?.length === 2;
  await until(both, 'the last one has seen it, and watches the holder');
  assert.equal(last.outcome(), 'pending');
  assert.equal((await probe.children(`/${resource}`)).length, 2);
  await lease.release();
  await (await table.granted(last)).release();
});

for (const permits of [1, 2]) {
  test(`trap 24: Watches lost in a reconnect are re-armed or re-checked: deletion during the disconnect is noticed (${permits === 1 ? 'by who waits for a lock' : 'by who waits for a permit'})`, async (t) => {
    const on = scope(t);
    const table = bench();
    const claim = { resource: `w/reconnect-${permits}`, permits };
    const holder = await open(on, zookeeper.address);
    const held = [];
    for (let n = 0; n < permits; n += 1) held.push(await table.acquire(holder, claim));
    const proxy = await on.use(startProxy(zookeeper.address));
    const waiter = await table.wait(await open(on, proxy.address), claim);
    await proxy.refuseNew();
    proxy.reset();
    await until(() => proxy.connections === 0, 'it is disconnected');
    await held[0]?.release();
    assert.equal(waiter.outcome(), 'pending');
    await proxy.acceptNew();
    await (await table.granted(waiter)).release();
    await held[1]?.release();
  });
}

test('trap 24: Watches lost in a reconnect are re-armed or re-checked: deletion during the disconnect is noticed (by who holds)', async (t) => {
  const on = scope(t);
  const table = bench();
  const resource = 'w/holder';
  const proxy = await on.use(startProxy(zookeeper.address));
  // It renews every T/12; its deadline is later than any limit of this test.
  const lease = await table.acquire(await open(on, proxy.address), { resource });
  const node = await nodeOf(`/${resource}`, lease.fencingToken);
  await proxy.refuseNew();
  proxy.reset();
  await until(() => proxy.connections === 0, 'it is disconnected');
  await probe.remove(node);
  assert.equal(lease.lost.aborted, false);
  await proxy.acceptNew();
  await table.until(() => lease.lost.aborted, 'the loss is noticed');
  assert.ok(lease.lost.reason instanceof LeaseLostError && lease.lost.reason.lossCause === 'deleted');
});

/** How many watch events the server has sent so far. */
async function eventsSent(): Promise<{ readonly deleted: number; readonly others: number }> {
  const told = (await zookeeper.server().fourLetter('mntr')).matchAll(
    /^zk_sum_node_(\w+)_watch_count\t(\d+)$/gm,
  );
  const sums = new Map([...told].map(([, kind = '', sum]) => [kind, Number(sum)]));
  const { deleted = 0, ...others } = Object.fromEntries(sums);
  return { deleted, others: Object.values(others).reduce((a, b) => a + b, 0) };
}

test('trap 25: N waiters: one release wakes exactly one (count server watch events ≤ 2), order is FIFO', async (t) => {
  const on = scope(t);
  const table = bench();
  const resource = 'w/herd';
  let lease = await table.acquire(await open(on, zookeeper.address), { resource });
  const waiting = [];
  for (let n = 0; n < 8; n += 1) {
    waiting.push(await table.wait(await open(on, zookeeper.address), { resource }));
    await until(async () => (await watched(`/${resource}`)).length === n + 1, 'it watches the one before it');
  }
  for (const [at, next] of waiting.entries()) {
    const before = await eventsSent();
    await lease.release();
    lease = await table.granted(next);
    const sent = await eventsSent();
    const behind = waiting.slice(at + 1);
    assert.deepEqual(
      new Set(behind.map((each) => each.outcome())),
      new Set(behind.length ? ['pending'] : []),
    );
    assert.ok(sent.deleted - before.deleted <= 2, 'the next one hears of it, and who gave it back itself');
    assert.ok(sent.others - before.others <= 1, 'and the one behind that, of the grant');
  }
  await lease.release();
});
