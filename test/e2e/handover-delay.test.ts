import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { openSession } from '../backend/zookeeper/kit.js';
import { treeBelow } from '../backend/zookeeper/tree.js';
import { type Lockex, lockex } from '../helpers/lockex.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock, running, run as runOn, STAYS, waiting } from './stage.js';

let zookeeper: ZooKeeper;
let admin: Awaited<ReturnType<typeof openSession>>;
before(async () => {
  zookeeper = await startZooKeeper();
  admin = await openSession(zookeeper.address, { ttlMs: 10_000 });
});
after(async () => {
  await admin.close();
  await zookeeper[Symbol.asyncDispose]();
});

/** A lock of the test's own, at whose end nothing of it may be left. */
function cleanLock(t: TestContext): string {
  const lock = freshLock();
  t.after(async () => assert.deepEqual(await nodesOf(lock), [], 'left behind'));
  return lock;
}

/** All nodes of a lock, below it and beside it. */
async function nodesOf(lock: string): Promise<string[]> {
  return (await treeBelow(admin, '/lockex')).filter((path) => path.split('/')[2]?.split('-__')[0] === lock);
}
const contendersOf = (lock: string) => treeBelow(admin, `/lockex/${lock}`);
const markersOf = async (lock: string) => (await treeBelow(admin, `/lockex/${lock}-__unreleased__`)).slice(1);

const run = (t: TestContext, options: readonly string[], command: readonly string[]) =>
  runOn(t, zookeeper.address, options, command);

const DELAYED = 'ended without giving the lock back';

/** The lines that tell of a delay. */
function delays(it: Lockex): string[] {
  return it.logs.map((line) => String(line['msg'])).filter((message) => message.includes(DELAYED));
}

/** A command that writes when it began, ms since 1970, and ends. */
const TELLS_WHEN = ['date', '+%s%3N'];

/** How long after it had seen that nobody gave the lock back its command was started, ms. */
async function delayOf(it: Lockex): Promise<number> {
  assert.deepEqual(await it.exited, { code: 0, signal: null }, it.stderr);
  const line = it.logs.find((each) => String(each['msg']).includes(DELAYED));
  return Number(it.stdout) - new Date(String(line?.['time'])).getTime();
}

/** `kill -9`, and the wait until the session of the killed one is over. */
async function crash(it: Lockex, lock: string): Promise<void> {
  const before = (await contendersOf(lock)).length;
  it.kill('SIGKILL');
  await until(async () => (await contendersOf(lock)).length < before, 'its session is over');
}

test('after a clean end the next one starts at once, and nothing is left of either', async (t) => {
  const lock = cleanLock(t);
  const options = ['-i', lock, '--handover-delay', '60'];
  const first = await run(t, options, STAYS);
  await running(first);
  const [node] = (await contendersOf(lock)).slice(1);
  assert.deepEqual(await markersOf(lock), [node?.replace(lock, `${lock}-__unreleased__`)]);
  const second = await run(t, options, STAYS);
  await waiting(second);
  first.kill('SIGTERM');
  await running(second);
  assert.deepEqual(delays(second), []);
  second.kill('SIGTERM');
  await second.exited;
});

test('after kill -9 of the holder, the next one waits the delay, and says who did not give back', async (t) => {
  const lock = cleanLock(t);
  const options = ['-i', lock, '--handover-delay', '1.5'];
  const first = await run(t, options, STAYS);
  await running(first);
  const second = await run(t, options, TELLS_WHEN);
  await waiting(second);
  await crash(first, lock);
  assert.ok((await delayOf(second)) >= 1499, 'no earlier than the delay after its turn');
  const [line = ''] = delays(second);
  assert.match(line, /:\d+ \(sh -c .*\) ended without .*; we take it over in 1\.5 s \(handover delay\)$/);
  assert.ok(line.includes(`:${first.pid} `));
});

test('...and without the option at once: the twin', async (t) => {
  const lock = cleanLock(t);
  const first = await run(t, ['-i', lock], STAYS);
  await running(first);
  const second = await run(t, ['-i', lock], TELLS_WHEN);
  await waiting(second);
  await crash(first, lock);
  const goneAt = Date.now();
  await second.exited;
  assert.ok(Number(second.stdout) - goneAt < 1499, 'earlier than the delay would let it');
  assert.deepEqual(delays(second), []);
});

test('who comes after a holder that nobody waited behind waits the delay, with --once, too', async (t) => {
  const lock = cleanLock(t);
  const options = ['-i', lock, '--handover-delay', '1'];
  const first = await run(t, options, STAYS);
  await running(first);
  await crash(first, lock);
  const second = await run(t, [...options, '--once'], TELLS_WHEN);
  assert.ok((await delayOf(second)) >= 999);
  const third = await run(t, options, TELLS_WHEN);
  assert.deepEqual(await third.exited, { code: 0, signal: null });
  assert.deepEqual(delays(third), [], 'one unclean end is waited for once');
});

test('a permit of a semaphore is taken over after the delay as well', async (t) => {
  const lock = cleanLock(t);
  const options = ['-i', lock, '-c', '2', '--handover-delay', '1'];
  const [first, other] = [await run(t, options, STAYS), await run(t, options, STAYS)];
  await Promise.all([running(first), running(other)]);
  assert.equal((await markersOf(lock)).length, 2);
  const third = await run(t, options, TELLS_WHEN);
  await waiting(third);
  await crash(first, lock);
  assert.ok((await delayOf(third)) >= 999);
  assert.ok(delays(third)[0]?.includes(`:${first.pid} `));
  assert.equal((await markersOf(lock)).length, 1, 'that of the other holder');
  other.kill('SIGTERM');
  await other.exited;
});

test('a writer waits the delay for a reader that did not give back', async (t) => {
  const lock = cleanLock(t);
  const options = ['-i', lock, '--handover-delay', '1'];
  const [first, other] = [
    await run(t, [...options, '--shared'], STAYS),
    await run(t, [...options, '--shared'], STAYS),
  ];
  await Promise.all([running(first), running(other)]);
  const writer = await run(t, options, TELLS_WHEN);
  await waiting(writer);
  await crash(first, lock);
  other.kill('SIGTERM');
  assert.ok((await delayOf(writer)) >= 999);
  assert.equal(delays(writer)[0]?.includes(`:${other.pid} `), false, 'only for who did not give back');
});

test('told to stop while it waits the delay, it is out within a second and leaves no contender', async (t) => {
  const lock = cleanLock(t);
  const first = await run(t, ['-i', lock, '--handover-delay', '60'], STAYS);
  await running(first);
  await crash(first, lock);
  const second = await run(t, ['-i', lock, '--handover-delay', '60'], ['echo', 'ran']);
  await until(() => second.hasLogged(DELAYED), 'it waits the delay');
  const toldAt = performance.now();
  second.kill('SIGTERM');
  assert.deepEqual(await second.exited, { code: 143, signal: null });
  assert.ok(performance.now() - toldAt < 1000, `${performance.now() - toldAt} ms`);
  assert.equal(second.stdout, '');
  assert.deepEqual(await contendersOf(lock), []);
  const third = await run(t, ['-i', lock, '--handover-delay', '0.1'], TELLS_WHEN);
  assert.ok((await delayOf(third)) >= 99, 'what it did not wait out, the next one does');
});

test('of a holder that crashed and one that crashed while it waited the delay, the next one waits once', async (t) => {
  const lock = cleanLock(t);
  const long = ['-i', lock, '--handover-delay', '60'];
  const short = ['-i', lock, '--handover-delay', '1'];
  const first = await run(t, long, STAYS);
  await running(first);
  const second = await run(t, long, STAYS);
  await waiting(second);
  await crash(first, lock);
  await until(() => second.hasLogged(DELAYED), 'it waits the delay');
  const third = await run(t, short, TELLS_WHEN);
  await waiting(third);
  await crash(second, lock);
  assert.ok((await delayOf(third)) >= 999);
  const [line = '', ...more] = delays(third);
  assert.deepEqual(more, []);
  assert.ok(line.includes(`:${first.pid} `) && !line.includes(`:${second.pid} `), line);
  const fourth = await run(t, short, TELLS_WHEN);
  assert.deepEqual(await fourth.exited, { code: 0, signal: null });
  assert.deepEqual(delays(fourth), []);
});

test('a session that is lost while it waits the delay starts nothing', async (t) => {
  const lock = cleanLock(t);
  const options = ['-i', lock, '--handover-delay', '8'];
  const first = await run(t, options, STAYS);
  await running(first);
  await crash(first, lock);
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const second = await runOn(t, proxy.address, ['-T', '2', ...options], ['echo', 'ran']);
  await until(() => second.hasLogged(DELAYED), 'it waits the delay');
  proxy.mode = 'blackhole';
  assert.deepEqual(await second.exited, { code: 69, signal: null });
  assert.equal(second.stdout, '');
  await until(async () => (await contendersOf(lock)).length <= 1, 'its session is over');
  const third = await run(t, ['-i', lock, '--handover-delay', '0.1'], TELLS_WHEN);
  assert.ok((await delayOf(third)) >= 99);
});

for (const [what, options, pattern] of [
  [
    'where there is no host but this one',
    ['--local', '--handover-delay', '1'],
    /--local: this lock service has no handover delay \(.*; see --handover-delay\)/,
  ],
  [
    'that is longer than anybody waits',
    ['--handover-delay', '5', '-t', '5'],
    /--handover-delay: expected less than --locktimeout \(-t\) 5 s, got 5 s/,
  ],
] as const) {
  test(`a handover delay ${what} is refused with status 64`, async (t) => {
    const it = await scope(t).use(lockex([...options, '-i', `refused-${process.pid}`, '--', 'echo', 'ran']));
    assert.deepEqual(await it.exited, { code: 64, signal: null });
    assert.equal(it.stdout, '');
    assert.match(it.stderr, pattern);
  });
}
