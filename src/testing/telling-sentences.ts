import assert from 'node:assert/strict';
import type { Contender } from '../backend/contract.js';
import type { Sentence } from './sentence.js';

const identity = (pid: number) => ({ host: `host${pid}.example`, pid, command: `server --port ${pid} 'ü'` });
const selves = (contenders: readonly Contender[]) => contenders.filter(({ self }) => self);

/** What is told about who holds and who waits. */
export const tellingSentences: readonly Sentence[] = [
  {
    title: 'tells who holds and, where they are known, who waits, holders first',
    async run(bench) {
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      const held = await bench.acquire(a, { identity: identity(1) });
      await bench.wait(b, { identity: identity(2) });
      const contenders = await bench.contenders(c);
      assert.equal(selves(contenders).length, 0);
      assert.deepEqual(
        contenders.map(({ since: _, self: __, ...rest }) => rest),
        [
          { state: 'holding', ...identity(1) },
          ...(a.traits.waiters ? [{ state: 'waiting', ...identity(2) }] : []),
        ],
      );
      const day = 86_400_000;
      for (const { since } of contenders) {
        assert.ok(since !== undefined && Math.abs(since.getTime() - Date.now()) < day, String(since));
      }
      await held.release();
    },
  },
  {
    title: 'tells waiters in order of arrival where it is fair',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()];
      const held = await bench.acquire(a, { identity: identity(1) });
      for (const pid of [2, 3, 4]) await bench.wait(await bench.open(), { identity: identity(pid) });
      const pids = (await bench.contenders(b)).map(({ pid }) => pid);
      if (a.traits.queue === 'race') pids.sort();
      assert.deepEqual(pids, a.traits.waiters ? [1, 2, 3, 4] : [1]);
      await held.release();
    },
  },
  {
    title: 'tells a waiter whom it waits for, and which of the contenders it is',
    async run(bench) {
      const [a, b] = [await bench.open(), await bench.open()];
      const held = await bench.acquire(a, { identity: identity(1) });
      const waiter = await bench.wait(b, { identity: identity(2) });
      const told = waiter.told[0] ?? [];
      assert.deepEqual([told[0]?.state, told[0]?.pid, told[0]?.self], ['holding', 1, false]);
      assert.deepEqual(
        selves(told).map(({ state, pid }) => [state, pid]),
        [['waiting', 2]],
      );
      await held.release();
    },
  },
  {
    title: 'tells a waiter again when the holder changes',
    async run(bench) {
      const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
      const held = await bench.acquire(a, { identity: identity(1) });
      const waiters = [
        await bench.wait(b, { identity: identity(2) }),
        await bench.wait(c, { identity: identity(3) }),
      ];
      await held.release();
      await bench.until(() => waiters.some((one) => one.outcome() === 'got'), 'one of the two holds');
      const winner = waiters[0]?.outcome() === 'got' ? 2 : 3;
      const loser = waiters[3 - winner];
      await bench.until(
        () => loser?.told.at(-1)?.find(({ state }) => state === 'holding')?.pid === winner,
        'the one that waits on is told of the new holder',
      );
    },
  },
  {
    title: 'knows nobody at a resource that nobody has asked for, and leaves no trace of having looked',
    async run(bench) {
      assert.deepEqual(await bench.contenders(await bench.open(), 'suite/never'), []);
      assert.deepEqual(await bench.ground.residue(), []);
    },
  },
];
