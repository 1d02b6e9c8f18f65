import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Claim, LockBackend } from '../../../src/backend/contract.js';
import { openZooKeeper } from '../../../src/backend/zookeeper/index.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';
import { type Ensemble, startEnsemble } from '../../helpers/zookeeper.js';
import { never, openSession } from './kit.js';
import { treeBelow } from './tree.js';

let ensemble: Ensemble;
before(async () => {
  ensemble = await startEnsemble(3);
});
after(() => ensemble[Symbol.asyncDispose]());

function open(address: string, ttlMs: number): Promise<LockBackend> {
  const options = { ttlMs, connectLimitMs: 15_000, connectAttempts: Number.POSITIVE_INFINITY };
  return openZooKeeper(address, { ...options, clock: systemClock, log: silentLog }, never);
}

function claim(resource: string): Claim {
  return { resource, permits: 1, mode: 'exclusive', identity: { host: 'h', pid: 1, command: 'c' } };
}

test('a follower that is cut off from its leader cannot keep a lease, though it goes on answering pings', async () => {
  const [follower] = await ensemble.followers();
  assert.ok(follower);
  const leader = await ensemble.leader();
  await using witness = await openSession(leader.address, { ttlMs: 10_000 });
  await using twin = await openSession(follower.address, { ttlMs: 2000 });
  await using backend = await open(follower.address, 2000);
  const lease = await backend.acquire(claim('e/cut'), never);
  const node = (await treeBelow(witness, '/e/cut')).at(-1) ?? '';
  let deadAt = 0;
  lease.lost.addEventListener('abort', () => {
    deadAt = lease.deadline();
  });
  ensemble.cut(follower);
  try {
    await until(
      () =>
        witness.nodes.getData(node).then(
          () => false,
          () => true,
        ),
      'the leader has expired the session',
    );
    const goneAt = systemClock.now();
    assert.equal(lease.lost.aborted, true);
    assert.ok(deadAt > 0 && deadAt < goneAt, `dead by ${deadAt}, granted to another from ${goneAt}`);
    assert.equal(twin.isConnected, true, 'the twin: a session that trusts in pings believes in itself still');
  } finally {
    ensemble.heal(follower);
  }
  await lease.release();
});

test('a frozen server is left for another in time, and the lease goes on in the same session', async () => {
  await using backend = await open(ensemble.hosts, 8000);
  const lease = await backend.acquire(claim('e/frozen'), never);
  const followers = await ensemble.followers();
  for (const server of followers) {
    await server.freeze();
    const deadline = lease.deadline();
    // One of the two followers at most is frozen, so that there is a quorum; whichever of the three we are at.
    await until(
      () => lease.deadline() > deadline + 3500,
      'it is renewed beyond what the ride-out would last',
      30_000,
    );
    server.thaw();
  }
  assert.equal(lease.isLost(), false);
  await lease.release();
});

test('the loss of the leader is ridden out', async () => {
  await using backend = await open(ensemble.hosts, 8000);
  const lease = await backend.acquire(claim('e/leader'), never);
  const { fencingToken } = lease;
  const leader = await ensemble.leader();
  await leader.kill();
  const deadline = lease.deadline();
  await until(() => lease.deadline() > deadline + 1000, 'it is renewed by the new leader');
  assert.equal(lease.isLost(), false);
  await leader.start();
  await lease.release();
  const next = await backend.acquire(claim('e/leader'), never);
  assert.ok((next.fencingToken ?? 0n) > (fencingToken ?? 0n), 'tokens rise over the change of leaders');
  await next.release();
});
