import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Claim } from '../../src/backend/contract.js';
import type { Contending } from '../../src/testing/bench.js';
import { scope } from '../helpers/scope.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { bench, open, PATIENT } from './kit.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper(PATIENT);
});
after(() => zookeeper[Symbol.asyncDispose]());

type Mode = Claim['mode'];

test('trap 37: Readers/writers mixed queues never deadlock (kazoo#649) (a reader between two writers)', async (t) => {
  const on = scope(t);
  const table = bench();
  const claim = (mode: Mode) => ({ resource: 'rw/between', mode });
  const session = () => open(on, zookeeper.address);
  const first = await table.acquire(await session(), claim('exclusive'));
  const reader = await table.wait(await session(), claim('shared'));
  const second = await table.wait(await session(), claim('exclusive'));
  await first.release();
  // kazoo's reader would now wait for the writer behind it, which waits for the reader.
  const reading = await table.granted(reader);
  assert.equal(second.outcome(), 'pending');
  await reading.release();
  await (await table.granted(second)).release();
});

test('trap 37: Readers/writers mixed queues never deadlock (kazoo#649) (a writer between two readers leaves)', async (t) => {
  const on = scope(t);
  const table = bench();
  const claim = (mode: Mode) => ({ resource: 'rw/leaves', mode });
  const session = () => open(on, zookeeper.address);
  const reading = await table.acquire(await session(), claim('shared'));
  const writer = await table.wait(await session(), claim('exclusive'));
  const reader = await table.wait(await session(), claim('shared'));
  writer.abort();
  await assert.rejects(writer.lease);
  // While the first one reads on.
  await (await table.granted(reader)).release();
  await reading.release();
});

test('trap 37: Readers/writers mixed queues never deadlock (kazoo#649) (several readers behind a writer)', async (t) => {
  const on = scope(t);
  const table = bench();
  const claim = (mode: Mode) => ({ resource: 'rw/several', mode });
  const session = () => open(on, zookeeper.address);
  const writing = await table.acquire(await session(), claim('exclusive'));
  const waiting = [];
  for (let n = 0; n < 3; n += 1) waiting.push(await table.wait(await session(), claim('shared')));
  await writing.release();
  // None of them waits for another that reads on.
  const reading = await Promise.all(waiting.map((each) => table.granted(each)));
  for (const lease of reading) await lease.release();
});

/** The order of a line of readers and writers, and who of them leaves it: the same for the same seed. */
function lineOf(seed: number): { readonly mode: Mode; readonly leaves: boolean }[] {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: 16 }, () => ({
    mode: next() < 0.5 ? ('shared' as const) : ('exclusive' as const),
    leaves: next() < 0.25,
  }));
}

for (const seed of [1, 2, 3]) {
  test(`trap 37: Readers/writers mixed queues never deadlock (kazoo#649) (a line of sixteen, some of which leave, ${seed})`, async (t) => {
    const on = scope(t);
    const table = bench();
    const resource = `rw/line-${seed}`;
    const sessions = await Promise.all(Array.from({ length: 4 }, () => open(on, zookeeper.address)));
    const first = await table.acquire(await open(on, zookeeper.address), { resource });
    const inside = { shared: 0, exclusive: 0 };
    let served = 0;
    const line: { readonly mode: Mode; readonly leaves: boolean; readonly contending: Contending }[] = [];
    for (const [at, { mode, leaves }] of lineOf(seed).entries()) {
      const session = sessions[at % sessions.length] ?? assert.fail();
      line.push({ mode, leaves, contending: await table.wait(session, { resource, mode }) });
    }
    const serving = line.map(async ({ mode, leaves, contending }) => {
      const lease = await contending.lease.catch((error: unknown) => {
        if (!leaves) throw error;
      });
      if (lease === undefined) return;
      inside[mode] += 1;
      assert.ok(inside.exclusive + Math.min(inside.shared, 1) <= 1, JSON.stringify(inside));
      await new Promise((resolve) => setImmediate(resolve));
      inside[mode] -= 1;
      served += 1;
      await lease.release();
    });
    await first.release();
    for (const { leaves, contending } of line) {
      if (!leaves) continue;
      await new Promise((resolve) => setImmediate(resolve));
      contending.abort();
    }
    await table.until(
      () => line.every(({ contending }) => contending.outcome() !== 'pending'),
      'nobody waits',
    );
    await Promise.all(serving);
    assert.ok(served >= line.filter(({ leaves }) => !leaves).length);
  });
}
