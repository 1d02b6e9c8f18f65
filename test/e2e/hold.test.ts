import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock, run, running, STAYS } from './stage.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

const NOT_FREE = { code: 1, signal: null };
const DONE = { code: 0, signal: null };

/** Where locks are kept, each with an empty one of its own. */
const SERVICES = {
  ZooKeeper: async (_: TestContext) => zookeeper.address,
  '--local': async (t: TestContext) => `file://${(await scope(t).use(tempDir('hold'))).path}`,
} as const;

/** Loaded into a run: its host's clock is wrong by so much. */
async function clockOff(t: TestContext, seconds: number): Promise<NodeJS.ProcessEnv> {
  const dir = await scope(t).use(tempDir('clock'));
  const file = dir.join('clock.cjs');
  await writeFile(
    file,
    `const real = Date.now;
Date.now = () => real() + ${seconds * 1000};
globalThis.Date = class extends Date {
  constructor(...args) { args.length === 0 ? super(Date.now()) : super(...args); }
};
`,
  );
  return { NODE_OPTIONS: `--require ${file}` };
}

for (const [name, address] of Object.entries(SERVICES)) {
  test(`lockex --once --hold 300 -- true && job: of many hosts one runs the job, and nobody stays (${name})`, async (t) => {
    const at = await address(t);
    const options = ['--once', '--hold', '300', '-i', freshLock()];
    const first = await run(t, at, options, ['true']);
    assert.deepEqual(await first.exited, DONE, first.stderr);
    for (let host = 2; host < 4; host += 1) {
      const other = await run(t, at, options, ['echo', 'ran']);
      assert.deepEqual(await other.exited, NOT_FREE, other.stderr);
      assert.equal(other.stdout, '');
      const why = new RegExp(
        `not free: .*, held until .* by .*:${first.pid} \\(true\\), which has ended \\(minimum hold\\)$`,
      );
      assert.match(String(other.logs.at(-1)?.['msg']), why);
    }
    // The twin: without a hold, every host that comes after the end of the command before it runs it once more.
    const free = ['--once', '-i', freshLock()];
    for (let host = 1; host < 3; host += 1) {
      assert.deepEqual(await (await run(t, at, free, ['true'])).exited, DONE);
    }
  });

  test(`a lock is kept for its hold after kill -9 of lockex (${name})`, async (t) => {
    const at = await address(t);
    const lock = freshLock();
    const first = await run(t, at, ['--hold', '300', '-i', lock], STAYS);
    await running(first);
    first.kill('SIGKILL');
    await first.exited;
    const second = await run(t, at, ['-i', lock], ['true']);
    await until(
      () => second.hasLogged('waiting: held until '),
      'it waits for the hold of one that has ended, and no longer for one that lives',
    );
    const line = second.logs.map(({ msg }) => String(msg)).find((message) => message.includes('held until'));
    const who = new RegExp(
      `held until .*\\d\\d:\\d\\d:\\d\\d by [^ ]+:${first.pid} \\(sh -c .*\\), which has ended \\(minimum hold\\)`,
    );
    assert.match(line ?? '', who);
    second.kill('SIGTERM');
    await second.exited;
  });

  test(`a limit on the wait that is shorter than the hold ends the wait; a longer one does not (${name})`, async (t) => {
    const at = await address(t);
    const [endless, lock] = [freshLock(), freshLock()];
    const first = await run(t, at, ['--hold', '300', '-i', endless], ['true']);
    assert.deepEqual(await first.exited, DONE, first.stderr);
    const short = await run(t, at, ['--hold', '60', '-t', '0.2', '-i', endless], ['true']);
    assert.deepEqual(await short.exited, NOT_FREE, short.stderr);
    const beganAt = Date.now();
    const second = await run(t, at, ['--hold', '2', '-i', lock], ['true']);
    assert.deepEqual(await second.exited, DONE, second.stderr);
    const long = await run(t, at, ['-t', '60', '-i', lock], ['date', '+%s%3N']);
    assert.deepEqual(await long.exited, DONE, long.stderr);
    const ms = Number(long.stdout) - beganAt;
    assert.ok(ms >= 2000, `${ms} ms after a hold of 2 s was asked for`);
  });
}

test('a job of cron’s runs once, on hosts whose clocks differ by five minutes', async (t) => {
  const options = ['--once', '--hold', '600', '-i', freshLock()];
  const results = [];
  for (const seconds of [0, 300, -300]) {
    const env = await clockOff(t, seconds);
    const it = await run(t, zookeeper.address, options, ['echo', 'ran'], env);
    results.push((await it.exited).code);
    const time = new Date(String(it.logs[0]?.['time'])).getTime();
    assert.ok(Math.abs(time - Date.now() - seconds * 1000) < 60_000, 'its clock is wrong');
  }
  assert.deepEqual(results, [0, 1, 1]);
});

test('a hold leaves a file until the next run after it has passed, and then nothing (--local)', async (t) => {
  const dir = await scope(t).use(tempDir('hold'));
  const options = ['--hold', '0.3', '-i', freshLock()];
  const at = `file://${dir.path}`;
  assert.deepEqual(await (await run(t, at, options, ['true'])).exited, DONE);
  const last = await run(t, at, options.slice(2), ['sleep', '0.4']);
  assert.deepEqual(await last.exited, DONE, last.stderr);
  assert.deepEqual(readdirSync(dir.path), []);
});
