import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Etcd3, type KVClient, type WatchClient } from 'etcd3';
import type { EtcdClient } from '../../../src/backend/etcd/client.js';
import { useEtcd } from '../../../src/backend/etcd/index.js';
import { until } from '../../../src/testing/until.js';
import { NotPermittedError, WrongKindError } from '../../../src/util/errors.js';
import { type Etcd, startEtcd, startEtcdCluster } from '../../helpers/etcd.js';
import { type Scope, scope } from '../../helpers/scope.js';
import { altered, claim, confirms, keepAliveInTerm, never, openOptions } from './kit.js';

/** Each rule is tested, and so is that its test fails when the rule is weakened: by a client that leaves something out. */

let etcd: Etcd;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd[Symbol.asyncDispose]());

const use = (on: Scope, client: EtcdClient, ttlMs = 4000) =>
  on.use(useEtcd(client, '', openOptions({ ttlMs })));

/** Of three servers two are killed: whether the third, which led, is believed when it renews. */
async function believesALeaderAlone(on: Scope, weaken: boolean): Promise<boolean> {
  // A leader without followers notices that after one or two election timeouts, and answers renewals until then.
  const cluster = await on.use(startEtcdCluster(3, { electionMs: 5000 }));
  const leader = await cluster.leader();
  const client = new Etcd3({
    hosts: leader.address,
    defaultCallOptions: () => ({ deadline: Date.now() + 1000 }),
  });
  on.use(Promise.resolve({ [Symbol.asyncDispose]: async () => client.close() }));
  const range: KVClient['range'] = (request, options) =>
    client.kv.range({ ...request, serializable: weaken }, options);
  const backend = await use(on, altered(client, { kv: { range } }), 8000);
  const lease = await backend.acquire(claim(), never);
  for (const server of cluster.servers) if (server !== leader) await server.kill();
  let renewals = 0;
  lease.onRenewed(() => {
    renewals += 1;
  });
  // One may have been under way when the last of them died.
  await until(() => renewals >= 3 || lease.isLost(), 'it is renewed, or lost');
  return !lease.isLost();
}

test('a renewal by a leader that has lost its followers does not count', async (t) => {
  assert.equal(await believesALeaderAlone(scope(t), false), false);
});

test('twin: with a read that asks no quorum, it would', async (t) => {
  assert.equal(await believesALeaderAlone(scope(t), true), true);
});

/** A client whose renewals are said to be of an earlier raft term than what vouches for them. */
async function believesAnotherTerm(on: Scope, earlier: bigint): Promise<boolean> {
  const leaseKeepAlive = keepAliveInTerm(etcd.admin, (real) => String(BigInt(real) - earlier));
  const backend = await use(on, altered(etcd.admin, { leaseClient: { leaseKeepAlive } }));
  const lease = await backend.acquire(claim({ resource: 'term' }), never);
  let renewed = false;
  lease.onRenewed(() => {
    renewed = true;
  });
  await until(() => renewed || lease.isLost(), 'it is renewed, or lost');
  return renewed;
}

test('a renewal that one leader answered and another one vouches for does not count', async (t) => {
  assert.equal(await believesAnotherTerm(scope(t), 1n), false);
});

test('twin: when both are the same, it does', async (t) => {
  assert.equal(await believesAnotherTerm(scope(t), 0n), true);
});

/** The first key that is made is deleted by an admin before its permit is confirmed. */
async function tokenIsThere(on: Scope, weaken: boolean): Promise<boolean> {
  const resource = `confirm-${weaken}`;
  let deleted = false;
  const txn: KVClient['txn'] = async (request, options) => {
    if (!confirms(request) || deleted) return etcd.admin.kv.txn(request, options);
    deleted = true;
    await etcd.admin.delete().prefix(`/${resource}`);
    const answer = await etcd.admin.kv.txn(request, options);
    return weaken ? { ...answer, succeeded: true } : answer;
  };
  const backend = await use(on, altered(etcd.admin, { kv: { txn } }));
  const lease = await backend.acquire(claim({ resource }), never);
  return backend.owns(lease.evidence ?? '', never);
}

test('a key that was deleted just before the grant is no permit: the line is joined again', async (t) => {
  assert.equal(await tokenIsThere(scope(t), false), true);
});

test('twin: a permit that is not confirmed would be one without a key', async (t) => {
  assert.equal(await tokenIsThere(scope(t), true), false);
});

/** The holder leaves between our look at the line and the beginning of our watch. */
async function hearsOfTheRelease(on: Scope, weaken: boolean): Promise<boolean> {
  const resource = `wake-${weaken}`;
  const holder = await use(on, etcd.admin);
  const held = await holder.acquire(claim({ resource }), never);
  const watch: WatchClient['watch'] = async (options) => {
    await held.release();
    const stream = await etcd.admin.watchClient.watch(options);
    if (!weaken) return stream;
    const write = stream.write.bind(stream);
    stream.write = ({ create_request }) => {
      if (create_request !== undefined) write({ create_request: { ...create_request, start_revision: 0 } });
    };
    return stream;
  };
  let renewals = 0;
  const range: KVClient['range'] = (request, options) => {
    renewals += 1;
    return etcd.admin.kv.range(request, options);
  };
  // A time to live of its own, in which it looks again in any case, is twelve renewals.
  const waiter = await use(on, altered(etcd.admin, { kv: { range }, watchClient: { watch } }), 6000);
  const leave = new AbortController();
  let got = false;
  const waiting = waiter.acquire(claim({ resource }), leave.signal).then(
    () => {
      got = true;
    },
    () => {},
  );
  await until(() => got || renewals > 4, 'it is granted, or has waited on');
  leave.abort(new Error('enough'));
  await waiting;
  return got;
}

test('a release between the look at the line and the watch is not missed', async (t) => {
  assert.equal(await hearsOfTheRelease(scope(t), false), true);
});

test('twin: by a watch that begins with itself, it is', async (t) => {
  assert.equal(await hearsOfTheRelease(scope(t), true), false);
});

/** Whether a lock that was released is kept for its minimum hold. */
async function keeps(on: Scope, weaken: boolean): Promise<boolean> {
  const resource = `hold-${weaken}`;
  const txn: KVClient['txn'] = (request, options) =>
    etcd.admin.kv.txn(
      confirms(request) ? { ...request, success: (request.success ?? []).slice(0, 1) } : request,
      options,
    );
  const backend = await use(on, weaken ? altered(etcd.admin, { kv: { txn } }) : etcd.admin);
  await (await backend.acquire(claim({ resource, holdMs: 30_000 }), never)).release();
  const free = (await backend.tryAcquire(claim({ resource }), never)) !== undefined;
  await etcd.admin.delete().prefix(`/${resource}`);
  return !free;
}

test('the minimum hold is written in the step that confirms the permit', async (t) => {
  assert.equal(await keeps(scope(t), false), true);
});

test('twin: without that, the lock is free when it is released', async (t) => {
  assert.equal(await keeps(scope(t), true), false);
});

test('a minimum hold lasts from the grant on, also when that had to wait for a renewal', async (t) => {
  const resource = 'late-hold';
  const since = performance.now();
  const notBefore = async <T>(ms: number, ask: () => Promise<T>): Promise<T> => {
    if (performance.now() - since < ms) throw new Error('14 UNAVAILABLE: not yet');
    return ask();
  };
  // The hold is written after a while, which is made up for; and then no renewal is answered for another while.
  const txn: KVClient['txn'] = (request, options) =>
    notBefore(confirms(request) ? 2500 : 0, () => etcd.admin.kv.txn(request, options));
  const range: KVClient['range'] = (request, options) =>
    notBefore(6500, () => etcd.admin.kv.range(request, options));
  const backend = await use(scope(t), altered(etcd.admin, { kv: { txn, range } }), 12_000);
  await backend.acquire(claim({ resource, holdMs: 30_000 }), never);
  const kvs = (await etcd.admin.getAll().prefix(`/${resource}`).exec()).kvs;
  const hold = kvs.find(({ key }) => key.toString().endsWith('-hold'));
  const { TTL } = await etcd.admin.leaseClient.leaseTimeToLive({ ID: hold?.lease ?? '0' });
  // Whole seconds, and one of them may have passed since.
  assert.ok(Number(TTL) >= 29, `${TTL} s of 30 are left`);
  await etcd.admin.delete().prefix(`/${resource}`);
});

test('a waiter that may not read any more is told so, and not that no server answered', async (t) => {
  const on = scope(t);
  const holder = await use(on, etcd.admin);
  await holder.acquire(claim({ resource: 'forbidden' }), never);
  const range: KVClient['range'] = async () => {
    throw new Error('7 PERMISSION_DENIED: etcdserver: permission denied');
  };
  const waiter = await use(on, altered(etcd.admin, { kv: { range } }));
  await assert.rejects(waiter.acquire(claim({ resource: 'forbidden' }), never), NotPermittedError);
});

test('of a lock and a semaphore that come at the same time, at least one is refused', async (t) => {
  const on = scope(t);
  const [a, b] = [await use(on, etcd.admin), await use(on, etcd.admin)];
  for (let round = 0; round < 20; round += 1) {
    const resource = `kinds-${round}`;
    const both = await Promise.allSettled([
      a.acquire(claim({ resource }), never),
      b.acquire(claim({ resource, permits: 2 }), never),
    ]);
    const refused = both.filter((one) => one.status === 'rejected');
    assert.equal(refused.length, 1);
    assert.ok(refused[0]?.reason instanceof WrongKindError);
    for (const one of both) if (one.status === 'fulfilled') await one.value.release();
  }
});

test('a client of the user’s own is used as it is, and stays open', async (t) => {
  const on = scope(t);
  const backend = useEtcd(etcd.admin, '/own', openOptions());
  const lease = await backend.acquire(claim(), never);
  assert.deepEqual(backend.farewells, []);
  assert.deepEqual((await etcd.keys('/own')).length, 1);
  await lease.release();
  await backend[Symbol.asyncDispose]();
  assert.deepEqual(await etcd.keys('/own'), []);
  await (await use(on, etcd.admin)).acquire(claim({ resource: 'again' }), never);
});
