import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { after, before, test } from 'node:test';
import { statusOfFailure, statusOfOutcome } from '../../src/cli/exit-status.js';
import { until } from '../../src/testing/until.js';
import { LEVELS } from '../child/levels.js';
import { freshLock, run, running } from '../e2e/stage.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { MemoryLocks } from '../lock/kit.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

/** From one number to another, both included. */
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Does it for each, a few at the same time; the answers are in the order of what was asked for. */
async function batched<T, R>(all: readonly T[], act: (each: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let from = 0; from < all.length; from += 8) {
    answers.push(...(await Promise.all(all.slice(from, from + 8).map(act))));
  }
  return answers;
}

const { signals } = constants;
/** What stops a process, wakes it, or is nothing to it, ends none. */
const HARMLESS: readonly number[] = [
  signals.SIGCHLD,
  signals.SIGCONT,
  signals.SIGSTOP,
  signals.SIGTSTP,
  signals.SIGTTIN,
  signals.SIGTTOU,
  signals.SIGURG,
  signals.SIGWINCH,
];

/** The level that works on most hosts. */
const ALL_AT = 'subreaper';

for (const isolation of LEVELS) {
  test(`trap 38: Exit 0..255 passed exactly and within 100 ms; death by signal n gives 128+n; exec failure 127/126; lock-lost code wins over the child's code caused by our kill (each of them, ${isolation})`, async () => {
    await using memory = new MemoryLocks();
    const locks = memory.connect();
    const statusOf = async (name: string, script: string) => {
      const outcome = await locks.run('sh', ['-c', script], { lock: name, isolation });
      return statusOfOutcome(outcome);
    };
    // Each at one level; what the others do otherwise is the way that they are told, which a few show.
    const codes = range(0, 255).filter((code) => isolation === ALL_AT || code % 17 === 0);
    assert.deepEqual(await batched(codes, (code) => statusOf(`exit-${code}`, `exit ${code}`)), codes);
    // Of a death by a real-time signal, from 34 on, a command that is Node's own child leaves no trace: README, what is
    // not promised with `walk`.
    const numbers = range(1, isolation === 'walk' ? 31 : 64).filter(
      (number) => !HARMLESS.includes(number) && number !== 32 && number !== 33,
    );
    assert.deepEqual(
      await batched(numbers, (n) => statusOf(`signal-${n}`, `ulimit -c 0; kill -${n} $$; sleep 60`)),
      numbers.map((number) => 128 + number),
    );
  });

  test(`trap 38: Exit 0..255 passed exactly and within 100 ms; death by signal n gives 128+n; exec failure 127/126; lock-lost code wins over the child's code caused by our kill (what cannot be started, ${isolation})`, async (t) => {
    const dir = await scope(t).use(tempDir('programs'));
    writeFileSync(dir.join('plain'), 'echo ran\n', { mode: 0o644 });
    writeFileSync(dir.join('lost'), '#!/no/such/interpreter\n', { mode: 0o755 });
    await using memory = new MemoryLocks();
    const locks = memory.connect();
    for (const [file, status] of [
      ['/no/such/program', 127],
      ['no-such-program-on-the-path', 127],
      [dir.join('plain'), 126],
      [dir.path, 126],
      [dir.join('lost'), 127],
      [`${dir.join('plain')}/below`, 126],
    ] as const) {
      const failure = await locks.run(file, [], { lock: 'exec', isolation }).then(
        (outcome) => assert.fail(`${file} ended with ${JSON.stringify(outcome)}`),
        (error: unknown) => error,
      );
      assert.equal(statusOfFailure(failure, 1), status, `${file}: ${failure}`);
    }
  });
}

test("trap 38: Exit 0..255 passed exactly and within 100 ms; death by signal n gives 128+n; exec failure 127/126; lock-lost code wins over the child's code caused by our kill (within 100 ms)", async (t) => {
  const command = ['perl', '-MTime::HiRes=time', '-e', '$| = 1; printf "%.6f\\n", time; exit 3'];
  const took: number[] = [];
  // The lock is given back meanwhile. Where other things run, some are slower; the quickest shows what lockex needs.
  while (took.length < 12 && !took.some((ms) => ms < 100)) {
    const it = await run(t, zookeeper.address, ['-q', '-i', freshLock()], command);
    assert.deepEqual(await it.exited, { code: 3, signal: null });
    took.push(Date.now() - Number(it.stdout) * 1000);
  }
  t.diagnostic(`${took.map(Math.round).join(', ')} ms`);
  assert.ok(
    took.some((ms) => ms < 100),
    `${took.join(', ')} ms`,
  );
});

test("trap 38: Exit 0..255 passed exactly and within 100 ms; death by signal n gives 128+n; exec failure 127/126; lock-lost code wins over the child's code caused by our kill (the lock is lost, and the command chooses a status)", async (t) => {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const chooses = `trap 'echo told; exit 5' TERM; echo ready $$; while :; do sleep 0.05; done`;
  const it = await run(t, proxy.address, ['-T', '3', '-i', freshLock()], ['sh', '-c', chooses]);
  await running(it);
  // Nothing is heard any more: it is told to stop while there is time for that.
  proxy.mode = 'blackhole';
  await until(() => it.ended, 'it ends');
  assert.match(it.stdout, /^told$/m);
  assert.deepEqual(it.ended, { code: 75, signal: null }, it.stderr);
});
