import assert from 'node:assert/strict';
import type { Claim } from '../backend/contract.js';
import { UsageError, WrongKindError } from '../util/errors.js';
import type { Bench } from './bench.js';
import type { Sentence } from './sentence.js';

/** That a holder of one kind keeps another kind out, by an error that names both. */
async function refuses(bench: Bench, held: Partial<Claim>, asked: Partial<Claim>, words: readonly RegExp[]) {
  if (await refusesSemaphores(bench)) return;
  const [a, b] = [await bench.open(), await bench.open()];
  const lease = await bench.acquire(a, held);
  const isRefusal = (error: unknown) => {
    assert.ok(error instanceof WrongKindError, String(error));
    for (const word of words) assert.match(error.message, word);
    return true;
  };
  await assert.rejects(bench.contend(b, asked).lease, isRefusal);
  await assert.rejects(bench.tryAcquire(b, asked), isRefusal);
  assert.equal((await bench.contenders(b)).length, 1);
  await lease.release();
  // Nobody contends any more: any kind is welcome.
  await (await bench.acquire(b, asked)).release();
}

/** Whether a service has no semaphores: then one that is asked for must be refused, and not made of something else. */
async function refusesSemaphores(bench: Bench): Promise<boolean> {
  const session = await bench.open();
  if (session.traits.maxPermits > 1) return false;
  await assert.rejects(bench.contend(session, { permits: 2 }).lease, UsageError);
  await assert.rejects(bench.tryAcquire(session, { permits: 2 }), UsageError);
  bench.doesNotApply('one permit');
  return true;
}

/** More permits than one, and readers. */
export const permitSentences: readonly Sentence[] = [
  {
    title: 'grants as many permits as there are, and makes the next contender wait for one',
    async run(bench) {
      if (await refusesSemaphores(bench)) return;
      const session = await bench.open();
      const held = [];
      for (let n = 0; n < 3; n += 1) held.push(await bench.acquire(await bench.open(), { permits: 3 }));
      const fourth = await bench.wait(session, { permits: 3 });
      assert.equal(await bench.tryAcquire(session, { permits: 3 }), undefined);
      await held[1]?.release();
      await (await bench.granted(fourth)).release();
      await Promise.all(held.map((lease) => lease.release()));
    },
  },
  {
    title: 'never has more holders than permits',
    async run(bench) {
      if (await refusesSemaphores(bench)) return;
      let inside = 0;
      let most = 0;
      const once = async () => {
        const lease = await bench.contend(await bench.open(), { permits: 2 }).lease;
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        await lease.release();
      };
      await Promise.all(Array.from({ length: 8 }, once));
      assert.ok(most <= 2, `${most} at once`);
    },
  },
  {
    title: 'gives every permit back to use when a waiter for any of them leaves',
    async run(bench) {
      if (await refusesSemaphores(bench)) return;
      const [a, b] = [await bench.open(), await bench.open()];
      for (let round = 0; round < 5; round += 1) {
        const held = [await bench.acquire(a, { permits: 2 }), await bench.acquire(a, { permits: 2 })];
        const waiter = await bench.wait(b, { permits: 2 });
        const releasing = held.map((lease) => lease.release());
        for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        waiter.abort();
        const lease = await waiter.lease.catch(() => undefined);
        await Promise.all(releasing);
        await lease?.release();
      }
    },
  },
  {
    title: 'refuses another number of permits while anybody contends, naming both',
    run: (bench) => refuses(bench, { permits: 2 }, { permits: 3 }, [/semaphore of 2\b/, /semaphore of 3\b/]),
  },
  {
    title: 'refuses a lock where a semaphore is in use, naming both',
    run: (bench) => refuses(bench, { permits: 2 }, {}, [/semaphore of 2\b/, /\block\b/]),
  },
  {
    title: 'refuses a semaphore where a lock is in use, naming both',
    run: (bench) => refuses(bench, {}, { permits: 2 }, [/semaphore of 2\b/, /\block\b/]),
  },
  {
    title: 'refuses claims that cannot be kept',
    async run(bench) {
      const session = await bench.open();
      const { maxPermits, handoverDelay, hold } = session.traits;
      const claims: Partial<Claim>[] = [
        { permits: 0 },
        { permits: -1 },
        { permits: 1.5 },
        { permits: maxPermits + 1 },
        { permits: 2, mode: 'shared' },
        { resource: '' },
        { resource: '/r' },
        { resource: 'a//b' },
        { resource: 'a/../b' },
        { resource: '.' },
        { resource: 'a\0b' },
        ...(handoverDelay ? [] : [{ handoverDelayMs: 1 }]),
        ...(hold ? [] : [{ holdMs: 1 }]),
      ];
      for (const claim of claims) {
        await assert.rejects(bench.contend(session, claim).lease, UsageError, JSON.stringify(claim));
        await assert.rejects(bench.tryAcquire(session, claim), UsageError, JSON.stringify(claim));
      }
    },
  },
  {
    title: 'lets readers hold together and a writer wait for all of them, or refuses to share',
    async run(bench) {
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      if (!a.traits.shared) {
        await assert.rejects(bench.contend(a, { mode: 'shared' }).lease, UsageError);
        return bench.doesNotApply('no readers');
      }
      const readers = [
        await bench.acquire(a, { mode: 'shared' }),
        await bench.acquire(b, { mode: 'shared' }),
      ];
      const writer = await bench.wait(c);
      await readers[0]?.release();
      assert.equal(await bench.tryAcquire(a), undefined);
      assert.equal(writer.outcome(), 'pending');
      await readers[1]?.release();
      await (await bench.granted(writer)).release();
    },
  },
  {
    title: 'makes a reader wait for a writer that holds and, where it is fair, for one that waits before it',
    async run(bench) {
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      if (!a.traits.shared) {
        await assert.rejects(bench.tryAcquire(a, { mode: 'shared' }), UsageError);
        return bench.doesNotApply('no readers');
      }
      const writer = await bench.acquire(a);
      const first = await bench.wait(b, { mode: 'shared' });
      await writer.release();
      const reader = await bench.granted(first);
      const second = await bench.wait(c);
      if (a.traits.queue === 'fair') await bench.wait(a, { mode: 'shared' });
      await reader.release();
      await (await bench.granted(second)).release();
    },
  },
];
