import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Claim, LockBackend } from '../../../src/backend/contract.js';
import { openZooKeeper } from '../../../src/backend/zookeeper/index.js';
import { looksOwned, owns } from '../../../src/backend/zookeeper/ownership.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { UsageError } from '../../../src/util/errors.js';
import { silentLog } from '../../../src/util/log.js';
import { lockex } from '../../helpers/lockex.js';
import { scope } from '../../helpers/scope.js';
import { type Ensemble, startEnsemble } from '../../helpers/zookeeper.js';
import { never, openSession } from './kit.js';

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

function evidenceOf(lease: { readonly evidence: string | undefined }): string {
  assert.ok(lease.evidence);
  return lease.evidence;
}

test('a follower that is cut off from its leader never says that a lock is owned which another may have', async (t) => {
  const [follower] = await ensemble.followers();
  assert.ok(follower);
  const leader = await ensemble.leader();
  await using witness = await openSession(leader.address, { ttlMs: 10_000 });
  await using asking = await openSession(follower.address, { ttlMs: 10_000 });
  await using backend = await open(follower.address, 2000);
  const lease = await backend.acquire(claim('o/cut'), never);
  const evidence = evidenceOf(lease);
  assert.equal(await owns(asking, evidence, never), true);
  ensemble.cut(follower);
  try {
    await until(
      async () => !(await looksOwned(witness.nodes, evidence)),
      'the leader has deleted the node: another may have the lock',
    );
    assert.equal(await looksOwned(asking.nodes, evidence), true, 'the twin: without the write it says yes');
    const limit = new AbortController();
    const answer = owns(asking, evidence, limit.signal);
    answer.catch(() => {});
    const options = { env: { LOCKEX_VERIFY: evidence } };
    const verify = await scope(t).use(lockex(['verify', '-T', '1'], options));
    assert.deepEqual(await verify.exited, { code: 75, signal: null });
    assert.match(verify.stderr, /cannot be confirmed/);
    limit.abort(new Error('no answer'));
    await assert.rejects(answer, /no answer/);
  } finally {
    ensemble.heal(follower);
  }
  await until(() => follower.mode(), 'the follower is back');
  await lease.release();
});

test('a lock whose nodes only its creator may touch can be asked about by everybody', async () => {
  const creator = { acl: 'creator', login: Buffer.from('us:secret') } as const;
  await using holder = await openZooKeeper(
    ensemble.hosts,
    {
      ...creator,
      ttlMs: 4000,
      connectLimitMs: 15_000,
      connectAttempts: Number.POSITIVE_INFINITY,
      clock: systemClock,
      log: silentLog,
    },
    never,
  );
  await using stranger = await open(ensemble.hosts, 4000);
  const lease = await holder.acquire(claim('o-private/acl'), never);
  assert.equal(await stranger.owns(evidenceOf(lease), never), true);
  await lease.release();
  assert.equal(await stranger.owns(evidenceOf(lease), never), false);
});

test('what is no evidence is refused', async () => {
  await using backend = await open(ensemble.hosts, 4000);
  for (const text of ['', 'null', '{}', '{"node":7}', 'zk://host']) {
    await assert.rejects(async () => backend.owns(text, never), UsageError);
  }
});
