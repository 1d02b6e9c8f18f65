import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { freshLock, run, running, STAYS, waiting } from '../e2e/stage.js';
import { assertOneError } from '../e2e/witness.js';
import type { Lockex } from '../helpers/lockex.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { OPCODE, type Request, ustring } from '../helpers/zk-frames.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper();
  probe = await Probe.open(zookeeper.address);
  await probe.create('/lockex');
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

/** A run that has asked for something which has not arrived yet. */
interface OnItsWay {
  readonly it: Lockex;
  arrive(): void;
}

/** Starts a run whose first request of this kind about this very node is on its way, until it is let arrive. */
async function onItsWay(
  t: TestContext,
  options: readonly string[],
  opcode: number,
  path: string,
): Promise<OnItsWay> {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const asksThat = ({ opcode: asked, frame }: Request) => asked === opcode && frame.includes(ustring(path));
  let held = false;
  // What goes by is looked at before it is passed on: it is never dropped, but does not get through.
  void proxy.dropNextReply((request) => {
    if (!held && asksThat(request)) {
      held = true;
      proxy.mode = 'dropToServer';
    }
    return false;
  });
  const it = await run(t, proxy.address, ['-T', '10', ...options], STAYS);
  await until(() => held, `it asks, with ${options.join(' ')}`);
  return {
    it,
    arrive: () => {
      proxy.mode = 'pass';
    },
  };
}

/** It was refused for what the other one is, by one line that names both, and never ran. */
async function assertRefused(it: Lockex, ...kinds: readonly RegExp[]): Promise<void> {
  await until(() => it.ended, 'it is refused');
  assert.deepEqual(it.ended, { code: 64, signal: null }, it.stderr);
  for (const kind of kinds) assertOneError(it, kind);
  assert.equal(it.stdout, '');
}

async function end(it: Lockex): Promise<void> {
  it.kill('SIGTERM');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
}

test('trap 33: Different N by two clients: refused with a clear code, no traceback; limit creation is atomic (two first-comers with different N: one fails) (one holds)', async (t) => {
  const lock = freshLock();
  const holder = await run(t, zookeeper.address, ['-i', lock, '-c', '2'], STAYS);
  await running(holder);
  for (const permits of ['3', '4']) {
    const it = await run(t, zookeeper.address, ['-i', lock, '-c', permits], STAYS);
    await assertRefused(it, /semaphore of 2\b/, new RegExp(`semaphore of ${permits}\\b`));
  }
  const same = await run(t, zookeeper.address, ['-i', lock, '-c', '2'], STAYS);
  await running(same);
  await end(same);
  await end(holder);
});

for (const [what, opcode, there] of [
  ['both are about to make the node', OPCODE.CREATE, false],
  ['both have found a node without a number', OPCODE.SET_DATA, true],
] as const) {
  test(`trap 33: Different N by two clients: refused with a clear code, no traceback; limit creation is atomic (two first-comers with different N: one fails) (${what})`, async (t) => {
    const lock = freshLock();
    const path = `/lockex/${lock}`;
    if (there) await probe.create(path);
    const two = await onItsWay(t, ['-i', lock, '-c', '2'], opcode, path);
    const three = await onItsWay(t, ['-i', lock, '-c', '3'], opcode, path);
    // The one arrives, gets its permit, and then the other.
    three.arrive();
    await running(three.it);
    two.arrive();
    await assertRefused(two.it, /semaphore of 2\b/, /semaphore of 3\b/);
    assert.equal(await probe.data(path), '3');
    await end(three.it);
  });
}

for (const [holds, comes, names] of [
  ['-c 2', '', [/semaphore of 2\b/, /\block\b/]],
  ['-c 2', '--shared', [/semaphore of 2\b/, /\block\b/]],
  ['', '-c 2', [/semaphore of 2\b/, /\block\b/]],
  ['--shared', '-c 2', [/semaphore of 2\b/, /\block\b/]],
] as const) {
  const words = (options: string) => (options === '' ? [] : options.split(' '));
  const [one, other] = [holds || 'a plain lock', comes || 'a plain lock'];
  test(`trap 35: Plain lock vs semaphore vs shared on one path is refused (${one} holds, ${other} comes)`, async (t) => {
    const lock = freshLock();
    const holder = await run(t, zookeeper.address, ['-i', lock, ...words(holds)], STAYS);
    await running(holder);
    const it = await run(t, zookeeper.address, ['-i', lock, ...words(comes)], STAYS);
    await assertRefused(it, ...names);
    await end(holder);
  });

  test(`trap 35: Plain lock vs semaphore vs shared on one path is refused (${other} gets it while ${one} is on its way)`, async (t) => {
    const lock = freshLock();
    const late = await onItsWay(t, ['-i', lock, ...words(holds)], OPCODE.CREATE, `/lockex/${lock}`);
    const first = await run(t, zookeeper.address, ['-i', lock, ...words(comes)], STAYS);
    await running(first);
    late.arrive();
    await assertRefused(late.it, ...names);
    await end(first);
  });
}

// Readers and a writer are contenders of one lock: what is refused of them is to run together.
test('trap 35: Plain lock vs semaphore vs shared on one path is refused (a plain lock and readers exclude each other, and wait)', async (t) => {
  for (const [holds, comes] of [
    [[], ['--shared']],
    [['--shared'], []],
  ]) {
    const lock = ['-i', freshLock()];
    const holder = await run(t, zookeeper.address, [...lock, ...(holds ?? [])], STAYS);
    await running(holder);
    const it = await run(t, zookeeper.address, [...lock, ...(comes ?? [])], STAYS);
    await waiting(it);
    assert.equal(it.stdout, '');
    await end(holder);
    await running(it);
    await end(it);
  }
});
