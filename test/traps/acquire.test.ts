import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { freshLock, run, running, STAYS, waiting } from '../e2e/stage.js';
import { guardianOf } from '../e2e/witness.js';
import { silentServer } from '../helpers/fake-servers.js';
import { alive } from '../helpers/processes.js';
import { startProxy, type TcpProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { SessionThief } from '../helpers/session-thief.js';
import { OPCODE } from '../helpers/zk-frames.js';
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

const nodesOf = (lock: string) => probe.children(`/lockex/${lock}`).catch(() => []);

/** The reply to the first request of this kind never comes; tells when the server has done what was asked. */
function losesReply(proxy: TcpProxy, opcode: number): () => boolean {
  let lost = false;
  void proxy
    .dropNextReply((request) => request.opcode === opcode, 'keep')
    .then(() => {
      lost = true;
    });
  return () => lost;
}

test('trap 16: Create succeeds but the reply is lost: after reconnect exactly one node of ours exists and is used (GUID found), and after an expired session the old one is not adopted (expired)', async (t) => {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const thief = await scope(t).use(SessionThief.start(proxy.address));
  const lock = freshLock();
  const lost = losesReply(proxy, OPCODE.CREATE);
  const it = await run(t, thief.address, ['-i', lock, '-T', '4', '-r', '-1'], STAYS);
  await until(lost, 'the reply is lost');
  const [old] = await until(
    async () => (await nodesOf(lock)).length === 1 && nodesOf(lock),
    'its node is there',
  );
  await thief.endSession();
  await running(it);
  const nodes = await nodesOf(lock);
  assert.equal(nodes.length, 1);
  assert.notEqual(nodes[0], old);
  it.kill('SIGTERM');
  await it.exited;
});

for (const [step, opcode] of [
  ['creating its node', OPCODE.CREATE],
  ['reading the kind of the lock', OPCODE.GET_DATA],
  ['listing the line', OPCODE.GET_CHILDREN2],
  ['confirming its ownership', OPCODE.SET_DATA],
] as const) {
  test(`trap 17: Timeout, SIGTERM or crash at every step of acquire (before/after create, list, watch) leaves no node behind once the session ends, and at once when connected (kill -9 while ${step})`, async (t) => {
    const proxy = await scope(t).use(startProxy(zookeeper.address));
    const lock = freshLock();
    const lost = losesReply(proxy, opcode);
    const it = await run(t, proxy.address, ['-i', lock, '-T', '1'], ['echo', 'ran']);
    await until(lost, 'the reply is lost');
    const guardian = guardianOf(it.pid);
    it.kill('SIGKILL');
    await until(async () => (await nodesOf(lock)).length === 0, 'no node is left');
    await it.expectNoStray();
    await until(() => guardian === undefined || !alive(guardian), 'the guardian has gone');
    assert.equal(it.stdout, '');
  });

  test(`trap 17: Timeout, SIGTERM or crash at every step of acquire (before/after create, list, watch) leaves no node behind once the session ends, and at once when connected (timeout while ${step})`, async (t) => {
    const proxy = await scope(t).use(startProxy(zookeeper.address));
    const lock = freshLock();
    const lost = losesReply(proxy, opcode);
    const it = await run(t, proxy.address, ['-i', lock, '-T', '3', '-t', '0.5'], ['echo', 'ran']);
    await until(lost, 'the reply is lost');
    const { code } = await it.exited;
    assert.ok(code === 1 || code === 0, it.stderr);
    assert.equal(it.stdout, code === 0 ? 'ran\n' : '');
    await until(async () => (await nodesOf(lock)).length === 0, 'no node is left');
  });
}

test('trap 29: Ownership is confirmed (node exists, ephemeralOwner = our session) immediately before spawn; a session lost between grant and spawn starts no child', async (t) => {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const thief = await scope(t).use(SessionThief.start(proxy.address));
  const lock = freshLock();
  const lost = losesReply(proxy, OPCODE.SET_DATA);
  const it = await run(t, thief.address, ['-i', lock, '-T', '4'], ['echo', 'ran']);
  await until(lost, 'it was granted the lock, and its confirmation is on the way');
  await thief.endSession();
  assert.deepEqual(await it.exited, { code: 69, signal: null }, it.stderr);
  assert.equal(it.stdout, '');
  assert.deepEqual(await nodesOf(lock), []);
});

test('a node that is deleted between grant and start starts no command: a new place is taken', async (t) => {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const lock = freshLock();
  const lost = losesReply(proxy, OPCODE.SET_DATA);
  const it = await run(t, proxy.address, ['-i', lock, '-T', '4'], STAYS);
  await until(lost, 'it was granted the lock');
  const [first] = await nodesOf(lock);
  assert.ok(first);
  await probe.remove(`/lockex/${lock}/${first}`);
  proxy.reset();
  await running(it);
  assert.notDeepEqual(await nodesOf(lock), [first]);
  it.kill('SIGTERM');
  await it.exited;
});

test('trap 31: `--timeout 0`/try returns at once, wall time ≤ timeout + ε even with the server unreachable; a won race at the deadline is either used or released, never leaked', async (t) => {
  const lock = freshLock();
  const silent = await scope(t).use(silentServer());
  const holder = await run(t, zookeeper.address, ['-i', lock], STAYS);
  await running(holder);
  for (const [address, options, code, withinMs] of [
    [zookeeper.address, ['-n'], 1, 0],
    [zookeeper.address, ['-t', '0'], 1, 0],
    [zookeeper.address, ['-t', '0.4'], 1, 400],
    ['127.0.0.1:1', ['-n', '-T', '60'], 69, 0],
    [silent.address, ['-t', '0', '-T', '1'], 69, 1000],
  ] as const) {
    const startedAt = performance.now();
    const it = await run(t, address, ['-i', lock, ...options], ['echo', 'ran']);
    assert.deepEqual(await it.exited, { code, signal: null }, options.join(' '));
    const ms = performance.now() - startedAt;
    t.diagnostic(`${options.join(' ')}: ${Math.round(ms)} ms`);
    // To start Node, and to connect, on a machine that has other things to do.
    assert.ok(ms < withinMs + 2500, `${options.join(' ')}: ${ms} ms`);
    assert.equal(it.stdout, '');
  }
  holder.kill('SIGTERM');
  await holder.exited;
  for (let round = 0; round < 4; round += 1) {
    const first = await run(t, zookeeper.address, ['-i', lock], STAYS);
    await running(first);
    const second = await run(t, zookeeper.address, ['-i', lock, '-t', '0.6'], ['echo', 'ran']);
    await waiting(second);
    const waitsFrom = performance.now();
    await until(() => performance.now() - waitsFrom > 480 + 40 * round, 'its time is nearly up');
    first.kill('SIGTERM');
    const { code } = await second.exited;
    assert.ok(code === 0 || code === 1, second.stderr);
    assert.equal(second.stdout, code === 0 ? 'ran\n' : '');
    await first.exited;
    assert.deepEqual(await nodesOf(lock), []);
  }
});
