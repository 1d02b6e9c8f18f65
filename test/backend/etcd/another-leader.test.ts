import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KVClient, LeaseClient } from 'etcd3';
import type { Lease } from '../../../src/backend/contract.js';
import type { EtcdClient } from '../../../src/backend/etcd/client.js';
import { useEtcd } from '../../../src/backend/etcd/index.js';
import { until } from '../../../src/testing/until.js';
import { type Etcd, type EtcdServer, startEtcdCluster } from '../../helpers/etcd.js';
import { type Scope, scope } from '../../helpers/scope.js';
import { altered, claim, inTerm, keepAliveInTerm, never, open, openOptions } from './kit.js';

/*
 * A leader that stood still, and wakes when another one has been elected, has leases ended that were renewed with that one:
 * a key is put on a lease that no earlier leader knows of.
 */

const TTL_MS = 4000;

let etcd: Etcd;
before(async () => {
  etcd = await startEtcdCluster(3, { electionMs: 500 });
});
after(() => etcd[Symbol.asyncDispose]());

const use = (on: Scope, client: EtcdClient) => on.use(useEtcd(client, '', openOptions({ ttlMs: TTL_MS })));

/** Resolves with the next renewals, or when the lease is lost. */
async function renewals(lease: Lease, count: number): Promise<void> {
  let left = count;
  const forget = lease.onRenewed(() => {
    left -= 1;
  });
  await until(() => left <= 0 || lease.isLost(), `${count} renewals`);
  forget();
}

/** The etcd lease that the one key of a resource is on. */
async function leaseUnder(resource: string): Promise<string | undefined> {
  const { kvs } = await etcd.admin.getAll().prefix(`/${resource}//`).exec();
  return kvs[0]?.lease;
}

function othersThan(server: EtcdServer): string {
  return etcd.servers.flatMap((each) => (each === server ? [] : [each.address])).join(',');
}

test('a leader that stood still for longer than the timeout, and wakes, ends neither a lock nor a place in line', async (t) => {
  const on = scope(t);
  const leader = await etcd.leader();
  const others = othersThan(leader);
  const holder = await on.use(open(others, { ttlMs: TTL_MS }));
  const waiter = await on.use(open(others, { ttlMs: TTL_MS }));
  const lease = await holder.acquire(claim({ resource: 'still' }), never);
  const waiting = waiter.acquire(claim({ resource: 'still' }), never);
  const line = () => etcd.keys('/still//');
  await until(async () => (await line()).length === 2, 'the second one waits');
  const before = await line();
  await leader.freeze();
  // Twelve of them are a timeout.
  await renewals(lease, 15);
  leader.thaw();
  await renewals(lease, 6);
  assert.equal(lease.isLost(), false, String(lease.lost.reason));
  assert.deepEqual(await line(), before);
  await lease.release();
  await (await waiting).release();
});

/** A client by which all happens in one raft term. */
function ofOneTerm(client: EtcdClient): EtcdClient {
  const one = () => '1';
  const range: KVClient['range'] = async (request, options) =>
    inTerm(await client.kv.range(request, options), one);
  const leaseGrant: LeaseClient['leaseGrant'] = async (request, options) =>
    inTerm(await client.leaseClient.leaseGrant(request, options), one);
  const leaseKeepAlive = keepAliveInTerm(client, one);
  return altered(client, { kv: { range }, leaseClient: { leaseGrant, leaseKeepAlive } });
}

/** The lease that was there under an earlier leader is ended, as that one does when it wakes. */
async function outlivesItsFirstLease(on: Scope, client: EtcdClient, resource: string): Promise<boolean> {
  const backend = await use(on, client);
  const lease = await backend.acquire(claim({ resource }), never);
  const first = await leaseUnder(resource);
  assert.ok(first);
  const leader = await etcd.leader();
  await leader.kill();
  await until(async () => (await etcd.leader()) !== leader, 'another one leads');
  await etcd.restart(leader);
  await renewals(lease, 3);
  assert.equal(lease.isLost(), false, String(lease.lost.reason));
  // It may have been ended already.
  await etcd.admin.leaseClient.leaseRevoke({ ID: first }).catch(() => {});
  const survives = await backend.owns(lease.evidence ?? '', never);
  await lease.release();
  return survives;
}

test('with another leader the lock moves to another lease, and what becomes of the first does not touch it', async (t) => {
  assert.equal(await outlivesItsFirstLease(scope(t), etcd.admin, 'moves'), true);
});

test('twin: one that takes no notice of another leader loses the lock with its first lease', async (t) => {
  assert.equal(await outlivesItsFirstLease(scope(t), ofOneTerm(etcd.admin), 'stays'), false);
});

/** A client that hears of another leader at every renewal as long as `news` are set, so that the key moves. */
function hearing(news: { readonly on: boolean }, txn: KVClient['txn']): EtcdClient {
  const range: KVClient['range'] = async (request, options) => {
    const answer = await etcd.admin.kv.range(request, options);
    return news.on ? inTerm(answer, (real) => `${real}1`) : answer;
  };
  return altered(etcd.admin, { kv: { range, txn } });
}

const moves = ({ success }: Parameters<KVClient['txn']>[0]): boolean =>
  success?.[0]?.request_put?.ignore_value === true;

test('a move whose answer is lost is found, and nothing is left of all the leases', async (t) => {
  const on = scope(t);
  const news = { on: false };
  let lost = false;
  const client = hearing(news, async (request, options) => {
    const answer = await etcd.admin.kv.txn(request, options);
    if (!moves(request) || lost) return answer;
    lost = true;
    throw new Error('14 UNAVAILABLE: the answer was lost');
  });
  const before = new Set((await etcd.admin.leaseClient.leaseLeases()).leases.map(({ ID }) => ID));
  const backend = await use(on, client);
  const lease = await backend.acquire(claim({ resource: 'unheard' }), never);
  news.on = true;
  await until(() => lost, 'it has moved');
  news.on = false;
  await renewals(lease, 3);
  assert.equal(lease.isLost(), false, String(lease.lost.reason));
  assert.equal(await backend.owns(lease.evidence ?? '', never), true);
  await lease.release();
  const left = async () => (await etcd.admin.leaseClient.leaseLeases()).leases.map(({ ID }) => ID);
  await until(async () => (await left()).every((id) => before.has(id)), 'all its leases have ended');
});

/** The first move is done when the second one has been: whether the key is there then. */
async function survivesALateMove(on: Scope, resource: string, weaken: boolean): Promise<boolean> {
  let late: (() => Promise<unknown>) | undefined;
  const news = { on: false };
  let done = false;
  const client = hearing(news, async (request, options) => {
    if (!moves(request)) return etcd.admin.kv.txn(request, options);
    const asked = weaken ? { ...request, compare: [] } : request;
    if (done) return etcd.admin.kv.txn(request, options);
    if (late === undefined) {
      late = () => etcd.admin.kv.txn(asked);
      throw new Error('14 UNAVAILABLE: it takes its time');
    }
    const answer = await etcd.admin.kv.txn(asked, options);
    await late();
    done = true;
    return answer;
  });
  const backend = await use(on, client);
  const lease = await backend.acquire(claim({ resource }), never);
  news.on = true;
  await until(() => done, 'both moves are done');
  news.on = false;
  const survives = async () => {
    await renewals(lease, 2);
    return backend.owns(lease.evidence ?? '', never);
  };
  const survived = await survives();
  await lease.release();
  return survived;
}

test('a move that is done late, after another one, changes nothing', async (t) => {
  assert.equal(await survivesALateMove(scope(t), 'late', false), true);
});

test('twin: one that does not say from where would take the key to a lease that is ended', async (t) => {
  assert.equal(await survivesALateMove(scope(t), 'later', true), false);
});
