import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { alive } from '../helpers/processes.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { SessionThief } from '../helpers/session-thief.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock, run, running, waiting } from './stage.js';
import { assertGone, assertOneError, hold, takesOver, witness } from './witness.js';

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper();
  probe = await Probe.open(zookeeper.address);
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

const SILENCE = /lock lost: the lock service acknowledged no renewal for \d+ ms/;

// With T = 6 s, SIGKILL is due at 3.75 s, and a grace fits up to 2.75 s.
for (const grace of ['0', '0.9', '2.7']) {
  test(`trap 1: With the socket black-holed (no RST), the child tree is dead before a second client's lock is granted, for every grace setting accepted (${grace} s)`, async (t) => {
    const proxy = await scope(t).use(startProxy(zookeeper.address));
    const lock = ['-i', freshLock(), '-T', '6', '--loss-grace', grace];
    const command = await witness(t);
    const first = await hold(t, proxy.address, lock, command);
    const second = await run(t, zookeeper.address, lock, command);
    await waiting(second);
    proxy.mode = 'blackhole';
    await takesOver(second, first);
    assert.deepEqual(await first.it.exited, { code: 75, signal: null });
    assertOneError(first.it, SILENCE);
    await assertGone(first);
  });
}

test('a grace that would let the tree live too long is refused, and nothing is started', async (t) => {
  const it = await run(t, zookeeper.address, ['-T', '2', '--loss-grace', '0.9'], ['echo', 'ran']);
  assert.deepEqual(await it.exited, { code: 64, signal: null });
  assert.equal(it.stdout, '');
});

for (const mode of ['dropToClient', 'dropToServer'] as const) {
  test(`a link that is silent one way (${mode}): all is dead before the next one starts`, async (t) => {
    const proxy = await scope(t).use(startProxy(zookeeper.address));
    const lock = ['-i', freshLock(), '-T', '4'];
    const command = await witness(t);
    const first = await hold(t, proxy.address, lock, command);
    const second = await run(t, zookeeper.address, lock, command);
    await waiting(second);
    proxy.mode = mode;
    await until(() => first.tree.filter(alive).length === 0, 'the tree is dead');
    assert.deepEqual(second.stdout, '', 'before anybody else has started');
    await takesOver(second, first);
    assert.deepEqual(await first.it.exited, { code: 75, signal: null });
    assertOneError(first.it, SILENCE);
    await assertGone(first);
  });
}

test('trap 2: The deadline uses the negotiated timeout: with server maxSessionTimeout below the request, the kill still precedes expiry', async (t) => {
  const strict = await scope(t).use(startZooKeeper({ maxSessionTimeout: 2000 }));
  const proxy = await scope(t).use(startProxy(strict.address));
  const lock = ['-i', freshLock(), '-T', '60'];
  const command = await witness(t);
  const first = await hold(t, proxy.address, lock, command);
  const second = await run(t, strict.address, lock, command);
  await waiting(second);
  proxy.mode = 'blackhole';
  await takesOver(second, first);
  assert.deepEqual(await first.it.exited, { code: 75, signal: null });
  assertOneError(first.it, /the session may expire 2000 ms after the last one/);
  await assertGone(first);
});

/** What the service itself gives away at once cannot be waited for: the handover delay is for that. */
const AT_ONCE = ['-T', '10', '--handover-delay', '0.5'];

test('trap 12: Expired session, AUTH_FAILED and an admin\'s deletion of the lock node are each treated as loss, with a distinct message and the "lost" exit code (deleted)', async (t) => {
  const lock = freshLock();
  const command = await witness(t);
  const first = await hold(t, zookeeper.address, ['-i', lock, ...AT_ONCE], command);
  const second = await run(t, zookeeper.address, ['-i', lock, ...AT_ONCE], command);
  await waiting(second);
  const [node] = (await probe.children(`/lockex/${lock}`)).sort((a, b) =>
    a.slice(-10).localeCompare(b.slice(-10)),
  );
  const deletedAt = performance.now();
  await probe.remove(`/lockex/${lock}/${node}`);
  await until(() => first.tree.filter(alive).length === 0, 'the tree is dead');
  const ms = performance.now() - deletedAt;
  t.diagnostic(`all dead ${Math.round(ms)} ms after the deletion`);
  assert.ok(ms < 1000, `${Math.round(ms)} ms`);
  await takesOver(second, first);
  assert.deepEqual(await first.it.exited, { code: 75, signal: null });
  assertOneError(first.it, /lock lost: somebody deleted the lock node .*; killing the command now/);
  await assertGone(first);
});

test('trap 12: Expired session, AUTH_FAILED and an admin\'s deletion of the lock node are each treated as loss, with a distinct message and the "lost" exit code (expired)', async (t) => {
  const thief = await scope(t).use(SessionThief.start(zookeeper.address));
  const lock = freshLock();
  const command = await witness(t);
  const first = await hold(t, thief.address, ['-i', lock, ...AT_ONCE], command);
  const second = await run(t, zookeeper.address, ['-i', lock, ...AT_ONCE], command);
  await waiting(second);
  const endedAt = performance.now();
  await thief.endSession();
  await until(() => first.tree.filter(alive).length === 0, 'the tree is dead');
  t.diagnostic(`all dead ${Math.round(performance.now() - endedAt)} ms after the end of the session`);
  await takesOver(second, first);
  assert.deepEqual(await first.it.exited, { code: 75, signal: null });
  assertOneError(first.it, /lock lost: .*session.*; killing the command now/);
  await assertGone(first);
});

test('trap 13: A new session\'s connect never revives "held": after expiry the node from the old session is not trusted even if still listed (CURATOR-604/498)', async (t) => {
  const thief = await scope(t).use(SessionThief.start(zookeeper.address));
  const lock = freshLock();
  const command = await witness(t);
  const first = await hold(t, thief.address, ['-i', lock, '-T', '10'], command);
  const [name] = await probe.children(`/lockex/${lock}`);
  const path = `/lockex/${lock}/${name}`;
  // Somebody makes a node of the same name the moment that ours is gone.
  const again = thief.endSession().then(() => probe.create(path, 'listed still'));
  await again;
  await until(() => first.tree.filter(alive).length === 0, 'the tree is dead');
  assert.deepEqual(await first.it.exited, { code: 75, signal: null });
  assert.equal(
    await probe.data(path),
    'listed still',
    'nor is it taken for ours when the lock is given back',
  );
  await probe.remove(path);
  await assertGone(first);
});

/** Leaves a daemon without its environment. */
const ESCAPES = `exec 9>>"$1"; flock -n -x 9; env -i setsid -f /bin/sh -c 'echo escaped $$; exec /bin/sleep 30'
echo ready $$; exec sleep 300`;

for (const [level, found] of [
  ['walk', false],
  ['subreaper', true],
] as const) {
  const title = found
    ? 'a daemon without its environment is found where the guardian is the parent of all orphans'
    : 'the twin: a daemon that no look over /proc can find lives on at the level walk, and the witness sees it';
  test(title, async (t) => {
    const proxy = await scope(t).use(startProxy(zookeeper.address));
    const lock = ['-i', freshLock(), '-T', '4', '--isolation', level];
    const command = await witness(t);
    const first = await run(t, proxy.address, lock, ['sh', '-c', ESCAPES, 'escapes', command.at(-1) ?? '']);
    await running(first);
    const daemon = Number(await until(() => /^escaped (\d+)$/m.exec(first.stdout)?.[1], 'the daemon is up'));
    const second = await run(t, zookeeper.address, lock, command);
    await waiting(second);
    proxy.mode = 'blackhole';
    await running(second);
    const lives = alive(daemon);
    if (lives) process.kill(daemon, 'SIGKILL');
    assert.equal(lives, !found);
    assert.equal(/overlap/.test(second.stdout), !found);
    assert.deepEqual(await first.exited, { code: 75, signal: null });
  });
}
