import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import type { Lockex } from '../helpers/lockex.js';
import { alive } from '../helpers/processes.js';
import { scope } from '../helpers/scope.js';
import { Probe } from '../helpers/zk-probe.js';
import { type Ensemble, startEnsemble } from '../helpers/zookeeper.js';
import { freshLock, run, running, STAYS, waiting } from './stage.js';
import { assertGone, assertOneError, hold, takesOver, witness } from './witness.js';

let ensemble: Ensemble;
before(async () => {
  ensemble = await startEnsemble(3, { maxSessionTimeout: 60_000 });
});
after(() => ensemble[Symbol.asyncDispose]());

/** The nodes of a lock, with the session of each, as some server that can be reached tells. */
async function ownersOf(lock: string): Promise<string[]> {
  await using probe = await Probe.open(ensemble.hosts);
  const names = await probe.children(`/lockex/${lock}`);
  const owner = async (name: string) =>
    `${name} ${(await probe.stat(`/lockex/${lock}/${name}`))?.ephemeralOwner}`;
  return Promise.all(names.map(owner));
}

/** Restarts every server, the leader last, each only when the one before serves again. */
async function rollingRestart(): Promise<void> {
  for (const server of await ensemble.followers()) await server.restart();
  await (await ensemble.leader()).restart();
}

const lostNothing = (it: Lockex) => !it.hasLogged('lock lost') && !it.hasLogged('place in line is lost');

test('trap 4: A disconnect shorter than the deadline (server restart, leader change, rolling upgrade of 3 nodes, one TCP RST) does not signal the child and keeps the same lock node and session (rolling restart, leader included)', async (t) => {
  const lock = freshLock();
  const holder = await run(t, ensemble.hosts, ['-i', lock, '-T', '10'], STAYS);
  const pid = await running(holder);
  const waiter = await run(t, ensemble.hosts, ['-i', lock, '-T', '10'], STAYS);
  await waiting(waiter);
  const before = await ownersOf(lock);
  assert.equal(before.length, 2);
  await rollingRestart();
  await until(() => holder.hasLogged('reconnected'), 'the holder was moved at least once');
  assert.equal(alive(pid), true);
  assert.equal(waiter.stdout, '');
  assert.ok(lostNothing(holder) && lostNothing(waiter));
  assert.deepEqual(await ownersOf(lock), before, 'the same nodes in the same sessions');
  holder.kill('SIGTERM');
  await running(waiter);
});

test('one frozen server of three holds nobody up', async (t) => {
  const lock = freshLock();
  const [follower] = await ensemble.followers();
  assert.ok(follower);
  await follower.freeze();
  try {
    const it = await run(t, ensemble.hosts, ['-i', lock, '-T', '10'], ['sh', '-c', 'exit 4']);
    assert.deepEqual(await it.exited, { code: 4, signal: null });
  } finally {
    follower.thaw();
  }
});

test('the holder is at a follower that is cut off from its leader: all is dead before the next one starts', async (t) => {
  const follower = (await ensemble.followers())[0];
  assert.ok(follower);
  const leader = await ensemble.leader();
  const lock = ['-i', freshLock(), '-T', '2'];
  const command = await witness(t);
  const first = await hold(t, follower.address, lock, command);
  const second = await run(t, leader.address, lock, command);
  await waiting(second);
  ensemble.cut(follower);
  try {
    await takesOver(second, first);
    assert.deepEqual(await first.it.exited, { code: 75, signal: null });
    assertOneError(first.it, /lock lost: the lock service acknowledged no renewal for \d+ ms/);
    await assertGone(first);
  } finally {
    ensemble.heal(follower);
  }
});

test('a leader that is cut off from its followers is left in time, and the command does not notice', async (t) => {
  const leader = await ensemble.leader();
  const lock = freshLock();
  // The followers need 5 s (syncLimit) to notice; 9.6 s are ridden out, and the stop would begin after 11.6 s.
  const it = await run(t, ensemble.hosts, ['-i', lock, '-T', '24'], STAYS);
  const pid = await running(it);
  const before = await ownersOf(lock);
  ensemble.cut(leader);
  const cutAt = performance.now();
  try {
    await until(() => performance.now() - cutAt > 12_000, 'the ride-out is over');
  } finally {
    ensemble.heal(leader);
  }
  assert.equal(alive(pid), true, it.stderr);
  assert.ok(lostNothing(it), it.stderr);
  assert.deepEqual(await ownersOf(lock), before, 'the same node in the same session');
  it.kill('SIGTERM');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
});

test('trap 15: A read-only server (readonlymode) never grants or confirms a lock', async (t) => {
  // The JVM takes its flags from there.
  process.env['JAVA_TOOL_OPTIONS'] = '-Dreadonlymode.enabled=true';
  const three = await scope(t)
    .use(startEnsemble(3))
    .finally(() => delete process.env['JAVA_TOOL_OPTIONS']);
  const [alone, ...others] = three.servers;
  assert.ok(alone);
  const lock = freshLock();
  const first = await hold(t, alone.address, ['-i', lock, '-T', '4'], await witness(t));
  const second = await run(t, alone.address, ['-i', lock, '-T', '4', '-r', '-1'], STAYS);
  await waiting(second);
  for (const server of others) await server.kill();
  await until(
    async () => /^Mode: read-only$/m.test(await alone.fourLetter('srvr')),
    'the last server serves reads only',
  );
  assert.deepEqual(await first.it.exited, { code: 75, signal: null });
  await assertGone(first);
  const late = await run(t, alone.address, ['-i', freshLock(), '-T', '2'], ['echo', 'ran']);
  assert.deepEqual(await late.exited, { code: 69, signal: null });
  assert.equal(second.stdout + late.stdout, '');
});
