import assert from 'node:assert/strict';
import { LeaseLostError } from '../util/errors.js';
import type { Sentence } from './sentence.js';

/** Leases that end before they are given back, and the tokens that tell grants apart. */
export const lossSentences: readonly Sentence[] = [
  {
    title: 'tells the holder once that its lease is lost, and why',
    async run(bench) {
      const session = await bench.open();
      const lease = await bench.acquire(session);
      let told = 0;
      lease.lost.addEventListener('abort', () => {
        told += 1;
      });
      await bench.ground.sabotage(session, lease);
      await bench.until(() => lease.lost.aborted, 'the loss is noticed');
      assert.equal(lease.isLost(), true);
      const { reason } = lease.lost;
      assert.ok(reason instanceof LeaseLostError, String(reason));
      assert.ok(reason.remainingMs >= 0);
      assert.ok(lease.deadline() < Number.POSITIVE_INFINITY);
      await lease.release();
      await session[Symbol.asyncDispose]();
      assert.equal(told, 1);
    },
  },
  {
    title: 'tells another session whether a lease is still held',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()];
      const owns = (evidence: string) => b.owns(evidence, new AbortController().signal);
      const { shared, maxPermits } = a.traits;
      const semaphore = maxPermits > 1 ? [{ permits: 2 }] : [];
      for (const part of [{}, ...(shared ? [{ mode: 'shared' } as const] : []), ...semaphore]) {
        const lease = await bench.acquire(a, part);
        const { evidence } = lease;
        if (evidence === undefined) return lease.release();
        assert.equal(await owns(evidence), true);
        await lease.release();
        assert.equal(await owns(evidence), false, 'given back');
        const next = await bench.acquire(a, part);
        assert.equal(await owns(evidence), false, 'a later grant is another');
        await bench.ground.sabotage(a, next);
        await bench.until(() => next.lost.aborted, 'the loss is noticed');
        await next.release();
        assert.equal(await owns(next.evidence ?? ''), false, 'lost');
      }
    },
  },
  {
    title: 'takes back a lease that was lost, and grants the lock to the next',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()];
      const lease = await bench.acquire(a);
      const next = await bench.wait(b);
      await bench.ground.sabotage(a, lease);
      await bench.until(() => lease.lost.aborted, 'the loss is noticed');
      await lease.release();
      await lease.release();
      const granted = await bench.granted(next);
      assert.equal(granted.isLost(), false);
      await granted.release();
    },
  },
  {
    title: 'gives back what a session holds when it is closed',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()];
      const held = await bench.acquire(a);
      const next = await bench.wait(b);
      await a[Symbol.asyncDispose]();
      await a[Symbol.asyncDispose]();
      await (await bench.granted(next)).release();
      await held.release();
    },
  },
  {
    title: 'takes the waiters of a session out of the line when it is closed',
    async run(bench) {
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      const held = await bench.acquire(a);
      const waiter = await bench.wait(b);
      await b[Symbol.asyncDispose]();
      await bench.until(() => waiter.outcome() === 'failed', 'the waiter of the closed session is told');
      assert.equal((await bench.contenders(c)).length, 1);
      await assert.rejects(bench.contend(b).lease);
      await held.release();
      await (await bench.acquire(c)).release();
    },
  },
  {
    title: 'numbers its grants in rising order over all sessions, or does not number them',
    async run(bench) {
      const sessions = [await bench.open(), await bench.open()];
      const tokens: (bigint | undefined)[] = [];
      for (let round = 0; round < 3; round += 1) {
        for (const session of [...sessions, await bench.open()]) {
          const lease = await bench.acquire(session);
          tokens.push(lease.fencingToken);
          await lease.release();
        }
      }
      if (!sessions[0]?.traits.fencing) {
        assert.ok(tokens.every((token) => token === undefined));
        return bench.doesNotApply('no tokens');
      }
      for (const [index, token] of tokens.entries()) {
        assert.ok(token !== undefined);
        const before = tokens[index - 1];
        assert.ok(before === undefined || token > before, `${token} comes after ${before}`);
      }
    },
  },
];
