import assert from 'node:assert/strict';
import type { Sentence } from './sentence.js';

/** One holder at a time. */
export const lockSentences: readonly Sentence[] = [
  {
    title: 'grants a free lock at once, and it is not lost',
    async run(bench) {
      const lease = await bench.acquire(await bench.open());
      assert.equal(lease.isLost(), false);
      assert.equal(lease.lost.aborted, false);
      assert.ok(lease.deadline() > 0);
      await lease.release();
    },
  },
  {
    title: 'makes a second contender wait until the first gives the lock back',
    async run(bench) {
      const first = await bench.acquire(await bench.open());
      const second = await bench.wait(await bench.open());
      await first.release();
      await (await bench.granted(second)).release();
    },
  },
  {
    title: 'makes a second contender of the same session wait, too',
    async run(bench) {
      const session = await bench.open();
      const first = await bench.acquire(session);
      const second = await bench.wait(session);
      await first.release();
      await (await bench.granted(second)).release();
    },
  },
  {
    title: 'takes a lock back once, however often it is given back',
    async run(bench) {
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      const first = await bench.acquire(a);
      await first.release();
      const second = await bench.acquire(b);
      await first.release();
      await first[Symbol.asyncDispose]();
      const third = await bench.wait(c);
      await Promise.all([second.release(), second.release()]);
      await (await bench.granted(third)).release();
    },
  },
  {
    title: 'grants a lock again and again, and does not count it as lost when it is given back',
    async run(bench) {
      const session = await bench.open();
      for (let round = 0; round < 5; round += 1) {
        const lease = await bench.acquire(session);
        await lease.release();
        assert.equal(lease.lost.aborted, false);
      }
    },
  },
  {
    title: 'grants one who does not want to wait a free lock',
    async run(bench) {
      const lease = await bench.tryAcquire(await bench.open());
      assert.ok(lease);
      const other = await bench.wait(await bench.open());
      await lease.release();
      await (await bench.granted(other)).release();
    },
  },
  {
    title: 'sends one who does not want to wait away from a held lock, leaving no contender behind',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()];
      const held = await bench.acquire(a);
      assert.equal(await bench.tryAcquire(b), undefined);
      assert.equal((await bench.contenders(b)).length, 1);
      await held.release();
      const again = await bench.tryAcquire(b);
      assert.ok(again);
      await again.release();
    },
  },
  {
    title: 'lets a waiter leave with the reason it gives, leaving no contender behind',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()];
      const held = await bench.acquire(a);
      const waiter = await bench.wait(b);
      const reason = new Error('I have to go');
      waiter.abort(reason);
      await assert.rejects(waiter.lease, (error) => error === reason);
      assert.equal((await bench.contenders(a)).length, 1);
      await held.release();
    },
  },
  {
    title: 'lets one leave at the moment at which it is told whom it waits for, leaving no contender behind',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()];
      const held = await bench.acquire(a);
      const reason = new Error('I do not wait for that one');
      const stop = new AbortController();
      const acquiring = b.acquire(bench.claim({ onQueue: () => stop.abort(reason) }), stop.signal);
      let outcome: unknown;
      acquiring.then(
        () => {
          outcome = 'got';
        },
        (error) => {
          outcome = error;
        },
      );
      await bench.until(() => outcome !== undefined, 'the one who leaves is told that it has');
      assert.equal(outcome, reason);
      assert.equal((await bench.contenders(a)).length, 1);
      await held.release();
      await (await bench.acquire(b)).release();
    },
  },
  {
    title: 'does not let one contend whose signal has aborted before',
    async run(bench) {
      const session = await bench.open();
      const reason = new Error('too late');
      const signal = AbortSignal.abort(reason);
      await assert.rejects(session.acquire(bench.claim(), signal), (error) => error === reason);
      await assert.rejects(session.tryAcquire(bench.claim(), signal), (error) => error === reason);
      assert.deepEqual(await bench.contenders(session), []);
    },
  },
  {
    title: 'grants to the next when a waiter before it has left',
    async run(bench) {
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      const held = await bench.acquire(a);
      const leaver = await bench.wait(b);
      const stayer = await bench.wait(c);
      leaver.abort();
      await assert.rejects(leaver.lease);
      assert.equal(stayer.outcome(), 'pending');
      await held.release();
      await (await bench.granted(stayer)).release();
    },
  },
  {
    title: 'never loses a permit to one who leaves at the moment of the grant',
    async run(bench) {
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      for (let round = 0; round < 20; round += 1) {
        const held = await bench.acquire(a);
        const leaver = await bench.wait(b);
        const releasing = held.release();
        // From the same turn to some turns of the event loop later, so that the two meet at different steps.
        for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        leaver.abort();
        const lease = await leaver.lease.catch(() => undefined);
        await releasing;
        await lease?.release();
        const next = await bench.acquire(c);
        await next.release();
      }
    },
  },
  {
    title: 'serves ten contenders once each and one at a time, in order of arrival where it is fair',
    async run(bench) {
      const holder = await bench.open();
      const held = await bench.acquire(holder);
      const served: number[] = [];
      let inside = 0;
      const serve = async (number: number) => {
        const contending = await bench.wait(await bench.open());
        return async () => {
          const lease = await bench.granted(contending);
          inside += 1;
          assert.equal(inside, 1, 'two at once');
          served.push(number);
          await new Promise((resolve) => setImmediate(resolve));
          inside -= 1;
          await lease.release();
        };
      };
      const inOrder = Array.from({ length: 10 }, (_, number) => number);
      const waiting: (() => Promise<void>)[] = [];
      for (const number of inOrder) waiting.push(await serve(number));
      await held.release();
      await Promise.all(waiting.map((finish) => finish()));
      if (holder.traits.queue === 'race') served.sort((a, b) => a - b);
      assert.deepEqual(served, inOrder);
    },
  },
  {
    title: 'keeps resources apart',
    async run(bench) {
      const session = await bench.open();
      const names = ['suite/r', 'suite/r2', 'suite', 'suite/r/r', 'other/r'];
      const leases = await Promise.all(names.map((resource) => bench.acquire(session, { resource })));
      const waiter = await bench.wait(session, { resource: 'suite/r2' });
      await leases[0]?.release();
      assert.equal(waiter.outcome(), 'pending');
      await leases[1]?.release();
      await (await bench.granted(waiter)).release();
      await Promise.all(leases.map((lease) => lease.release()));
    },
  },
  {
    title: 'takes odd names: blanks, dots, per cent signs, other scripts, long ones',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()];
      const names = [
        'a b',
        '...',
        '.hidden',
        '%2F',
        '*',
        '-n',
        'schlüssel',
        '鍵/ключ',
        `${'long'.repeat(50)}ü`,
      ];
      for (const name of names) {
        const resource = `suite/${name}`;
        const lease = await bench.acquire(a, { resource });
        assert.equal(await bench.tryAcquire(b, { resource }), undefined, name);
        assert.equal((await bench.contenders(b, resource)).length, 1, name);
        await lease.release();
      }
    },
  },
];
