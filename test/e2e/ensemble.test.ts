import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Lockex } from '../helpers/lockex.js';
import { alive } from '../helpers/processes.js';
import { until } from '../helpers/until.js';
import { Probe } from '../helpers/zk-probe.js';
import { type Ensemble, startEnsemble } from '../helpers/zookeeper.js';
import { freshLock, run, running, STAYS, waiting } from './stage.js';

let ensemble: Ensemble;
before(async () => {
  ensemble = await startEnsemble(3);
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

test('a rolling restart of three servers, leader included, touches neither the command nor who waits', async (t) => {
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
