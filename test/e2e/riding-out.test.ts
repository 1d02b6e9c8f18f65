import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import type { Lockex } from '../helpers/lockex.js';
import { alive } from '../helpers/processes.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock, run, running } from './stage.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

/** Says so when it is told anything. */
const LISTENS = [
  'bash',
  '-c',
  `trap 'echo told' TERM INT HUP CONT; echo ready $$; while :; do sleep 0.05; done`,
];

/** A command under a lock, and what has to be the same when the trouble is over. T = 10 s rides out 3.9 s. */
class Untouched {
  private constructor(
    readonly it: Lockex,
    private readonly pid: number,
    private readonly lock: string,
    private readonly node: string,
  ) {}

  static async start(t: TestContext, address: string): Promise<Untouched> {
    const lock = freshLock();
    const it = await run(t, address, ['-i', lock, '-T', '10'], LISTENS);
    const pid = await running(it);
    return new Untouched(it, pid, lock, await nodeOf(lock));
  }

  /** Waits longer than a lost lease would have let it live; the same process, node and session are there then. */
  async assertSame(since: number): Promise<void> {
    await until(() => performance.now() - since > 7000, 'a lost lease would have ended it', 20_000);
    assert.equal(alive(this.pid), true, this.it.stderr);
    assert.equal(this.it.hasLogged('lock lost'), false, this.it.stderr);
    assert.equal(await nodeOf(this.lock), this.node);
    assert.doesNotMatch(this.it.stdout, /told/);
    assert.equal(this.it.stdout.match(/ready/g)?.length, 1);
  }
}

/** The one node of a lock, with its session and the transaction that made it. */
async function nodeOf(lock: string): Promise<string> {
  await using probe = await Probe.open(zookeeper.address);
  const names = await probe.children(`/lockex/${lock}`);
  assert.equal(names.length, 1);
  const stat = await probe.stat(`/lockex/${lock}/${names[0]}`);
  return `${names[0]} ${stat?.ephemeralOwner} ${stat?.czxid}`;
}

test('trap 4: A disconnect shorter than the deadline (server restart, leader change, rolling upgrade of 3 nodes, one TCP RST) does not signal the child and keeps the same lock node and session (the one server killed and started again)', async (t) => {
  const command = await Untouched.start(t, zookeeper.address);
  const since = performance.now();
  await zookeeper.server().kill();
  await zookeeper.server().start();
  await command.assertSame(since);
  assert.equal(command.it.hasLogged('in the same session'), true);
});

test('a server that is frozen for three seconds does not touch the command', async (t) => {
  const command = await Untouched.start(t, zookeeper.address);
  const since = performance.now();
  await zookeeper.server().freeze();
  await until(() => performance.now() - since > 3000, 'three seconds go by');
  zookeeper.server().thaw();
  await command.assertSame(since);
});

// They wait, most of the time: all at once they take no more of it than one.
describe('over a link with trouble', { concurrency: true }, () => {
  for (const mode of ['blackhole', 'dropToClient', 'dropToServer'] as const) {
    test(`a silence of the link (${mode}) that ends before the stop begins does not touch the command`, async (t) => {
      const proxy = await scope(t).use(startProxy(zookeeper.address));
      const command = await Untouched.start(t, proxy.address);
      const since = performance.now();
      proxy.mode = mode;
      await until(() => performance.now() - since > 3000, 'three seconds go by');
      proxy.mode = 'pass';
      await command.assertSame(since);
    });
  }

  test('twenty resets in a row do not touch the command', async (t) => {
    const proxy = await scope(t).use(startProxy(zookeeper.address));
    const command = await Untouched.start(t, proxy.address);
    const since = performance.now();
    for (let round = 1; round <= 20; round += 1) {
      const { accepted } = proxy;
      proxy.reset();
      await until(() => proxy.accepted > accepted, 'it connects again');
    }
    await command.assertSame(since);
  });

  test('a server that refuses connections for three seconds does not touch the command', async (t) => {
    const proxy = await scope(t).use(startProxy(zookeeper.address));
    const command = await Untouched.start(t, proxy.address);
    const since = performance.now();
    await proxy.refuseNew();
    proxy.reset();
    await until(() => performance.now() - since > 3000, 'three seconds go by');
    await proxy.acceptNew();
    await command.assertSame(since);
  });

  test('the twin: a silence that goes on when the stop is due ends the command', async (t) => {
    const proxy = await scope(t).use(startProxy(zookeeper.address));
    const command = await Untouched.start(t, proxy.address);
    proxy.mode = 'blackhole';
    await until(() => command.it.stdout.includes('told'), 'it is told to stop');
    proxy.mode = 'pass';
    assert.deepEqual(await command.it.exited, { code: 75, signal: null });
  });
});
