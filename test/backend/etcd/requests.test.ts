import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KVClient, LeaseClient, WatchClient } from 'etcd3';
import type { Lease } from '../../../src/backend/contract.js';
import type { EtcdClient } from '../../../src/backend/etcd/client.js';
import { useEtcd } from '../../../src/backend/etcd/index.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { LeaseLostError } from '../../../src/util/errors.js';
import { type Etcd, startEtcd } from '../../helpers/etcd.js';
import { type Scope, scope } from '../../helpers/scope.js';
import { altered, claim, confirms, never, openOptions } from './kit.js';

let etcd: Etcd;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd[Symbol.asyncDispose]());

const use = (on: Scope, client: EtcdClient, ttlMs: number) =>
  on.use(useEtcd(client, '', openOptions({ ttlMs })));

const leases = async () => (await etcd.admin.leaseClient.leaseLeases()).leases.map(({ ID }) => ID);

type Step = 'grant' | 'join' | 'watch' | 'confirm';
/** Stands around each request of an `acquire`. */
type Around = <T>(step: Step, ask: () => Promise<T>) => Promise<T>;

function stepwise(around: Around): EtcdClient {
  const { kv, leaseClient, watchClient } = etcd.admin;
  const txn: KVClient['txn'] = (request, options) =>
    around(confirms(request) ? 'confirm' : 'join', () => kv.txn(request, options));
  const leaseGrant: LeaseClient['leaseGrant'] = (request, options) =>
    around('grant', () => leaseClient.leaseGrant(request, options));
  const watch: WatchClient['watch'] = (options) => around('watch', () => watchClient.watch(options));
  return altered(etcd.admin, { kv: { txn }, leaseClient: { leaseGrant }, watchClient: { watch } });
}

for (const lost of ['grant', 'join', 'confirm'] as const) {
  test(`an answer that gets lost does no harm: ${lost} is asked for again, and is done once`, async (t) => {
    const resource = `lost-${lost}`;
    const asked: Step[] = [];
    const client = stepwise(async (step, ask) => {
      const again = asked.includes(step);
      asked.push(step);
      const answer = await ask();
      if (step === lost && !again) throw new Error('14 UNAVAILABLE: Connection dropped');
      return answer;
    });
    const backend = await use(scope(t), client, 10_000);
    const lease = await backend.acquire(claim({ resource }), never);
    // The first lease of a session is granted twice: the raft term was not known before.
    assert.equal(asked.filter((step) => step === lost).length, lost === 'grant' ? 3 : 2);
    const { kvs } = await etcd.admin.getAll().prefix(`/${resource}`).exec();
    assert.deepEqual(
      kvs.map((kv) => BigInt(kv.create_revision)),
      [lease.fencingToken],
    );
    // Written when it joined and when it was granted; what stands there already stays as it is.
    assert.equal(kvs[0]?.version, lost === 'confirm' ? '3' : '2');
    await new Promise<void>((resolve) => lease.onRenewed(resolve));
    await lease.release();
    assert.deepEqual([await etcd.keys(`/${resource}`), await leases()], [[], []]);
  });
}

test('an answer that gets lost does no harm: the lease of a minimum hold is asked for again, and is the same', async (t) => {
  const [resource, before] = ['lost-hold', new Set(await leases())];
  const { leaseClient } = etcd.admin;
  const ids: (string | number | undefined)[] = [];
  // The lease of the hold is the only one of more than a minute.
  const leaseGrant: LeaseClient['leaseGrant'] = async (request, options) => {
    const lost = Number(request.TTL) > 60 && ids.push(request.ID) === 1;
    const answer = await leaseClient.leaseGrant(request, options);
    if (lost) throw new Error('14 UNAVAILABLE: Connection dropped');
    return answer;
  };
  const backend = await use(scope(t), altered(etcd.admin, { leaseClient: { leaseGrant } }), 10_000);
  const lease = await backend.acquire(claim({ resource, holdMs: 90_000 }), never);
  assert.equal(ids.length, 2);
  assert.equal(ids[0], ids[1]);
  await lease.release();
  assert.equal(await backend.tryAcquire(claim({ resource }), never), undefined);
  for (const id of await leases()) if (!before.has(id)) await leaseClient.leaseRevoke({ ID: id });
});

for (const step of ['grant', 'join', 'watch', 'confirm'] as const) {
  for (const when of ['before', 'after'] as const) {
    test(`who gives up ${when} the answer to ${step} leaves nothing behind`, async (t) => {
      const on = scope(t);
      const resource = `leave-${step}-${when}`;
      const holder = await use(on, etcd.admin, 10_000);
      const held = step === 'watch' ? await holder.acquire(claim({ resource }), never) : undefined;
      const [leave, reason] = [new AbortController(), new Error('enough')];
      const client = stepwise(async (now, ask) => {
        const asking = ask();
        if (now === step && when === 'before') leave.abort(reason);
        const answer = await asking;
        if (now === step) leave.abort(reason);
        return answer;
      });
      const backend = await use(on, client, 10_000);
      // What is confirmed may have a minimum hold with it, which binds nobody then.
      const holdMs = step === 'confirm' ? 30_000 : 0;
      await assert.rejects(backend.acquire(claim({ resource, holdMs }), leave.signal), reason);
      await held?.release();
      assert.deepEqual([await etcd.keys(`/${resource}`), await leases()], [[], []]);
    });
  }
}

test('a lease counts from when it was asked for first, and a permit from the last request that kept it', async (t) => {
  const asked: number[] = [];
  const client = stepwise(async (step, ask) => {
    const answer = ask();
    if (step === 'grant') asked.push(systemClock.now());
    await answer;
    const sent = systemClock.now();
    if (step === 'confirm') await until(() => systemClock.now() > sent + 100, 'that took a while');
    return answer;
  });
  // Renewals are so far apart that none comes in between.
  const ttlMs = 60_000;
  const backend = await use(scope(t), client, ttlMs);
  const lease = await backend.acquire(claim({ resource: 'since' }), never);
  // The raft term was not known before.
  assert.equal(asked.length, 2);
  assert.ok(lease.deadline() <= (asked[0] ?? 0) + (lease.budget?.deadlineAfterMs ?? 0));
  await lease.release();
});

test('a permit is granted upon a renewal that was answered lately, so that it does not begin half spent', async (t) => {
  const begun = systemClock.now();
  const [confirmed, renewable] = [2500, 4000].map((ms) => begun + ms);
  assert.ok(confirmed !== undefined && renewable !== undefined);
  const client = stepwise(async (step, ask) => {
    const answer = await ask();
    if (step === 'confirm') await until(() => systemClock.now() > confirmed, 'that took a while');
    return answer;
  });
  const range: KVClient['range'] = async (request, options) => {
    if (systemClock.now() < renewable) throw new Error('14 UNAVAILABLE: not yet');
    return etcd.admin.kv.range(request, options);
  };
  // A sixth of it may have passed.
  const backend = await use(
    scope(t),
    { ...client, kv: Object.assign(Object.create(client.kv), { range }) },
    12_000,
  );
  const lease = await backend.acquire(claim({ resource: 'fresh' }), never);
  assert.ok(systemClock.now() >= renewable, 'a renewal was waited for');
  await lease.release();
});

/** A watch that tells nothing, and does not end. */
function deaf(begun: () => void): EtcdClient {
  const watch: WatchClient['watch'] = async (options) => {
    const stream = await etcd.admin.watchClient.watch(options);
    const listen = stream.on.bind(stream);
    stream.on = (event: string, handler: (...all: never[]) => void) =>
      event === 'data' ? stream : Reflect.apply(listen, stream, [event, handler]);
    begun();
    return stream;
  };
  return altered(etcd.admin, { watchClient: { watch } });
}

for (const [cause, what, end] of [
  ['deleted', 'key is deleted', (key: string) => etcd.admin.delete().key(key)],
  [
    'expired',
    'etcd lease is revoked',
    async (key: string) => {
      const { kvs } = await etcd.admin.kv.range({ key: Buffer.from(key) });
      await etcd.admin.leaseClient.leaseRevoke({ ID: kvs[0]?.lease ?? '0' });
    },
  ],
] as const) {
  test(`a holder whose ${what} hears of it by a renewal, also when its watch has died without a word`, async (t) => {
    const resource = `deaf-${cause}`;
    // It looks by itself after more than the test waits.
    const backend = await use(
      scope(t),
      deaf(() => {}),
      20_000,
    );
    const lease = await backend.acquire(claim({ resource }), never);
    const [key = ''] = await etcd.keys(`/${resource}`);
    await end(key);
    await until(() => lease.isLost(), 'it is lost');
    assert.ok(lease.lost.reason instanceof LeaseLostError);
    assert.equal(lease.lost.reason.lossCause, cause);
    await lease.release();
  });
}

test('a holder whose key somebody deletes hears of it at once, and a key that is made anew is not its own', async (t) => {
  const resource = 'deleted';
  // Renewals are so far apart that none of them is what notices.
  const backend = await use(scope(t), etcd.admin, 300_000);
  const lease = await backend.acquire(claim({ resource }), never);
  const [key = ''] = await etcd.keys(`/${resource}`);
  assert.equal(await backend.owns(lease.evidence ?? '', never), true);
  await etcd.admin.delete().key(key);
  await etcd.admin.put(key).value('another');
  await until(() => lease.isLost(), 'it is lost');
  assert.equal(await backend.owns(lease.evidence ?? '', never), false);
  await lease.release();
  await etcd.admin.delete().key(key);
});

test('a waiter whose key somebody deletes joins the line again at once, at its end', async (t) => {
  const on = scope(t);
  const resource = 'thrown-out';
  // Renewals are so far apart that none of them is what notices.
  const [a, b, c] = [
    await use(on, etcd.admin, 300_000),
    await use(on, etcd.admin, 300_000),
    await use(on, etcd.admin, 300_000),
  ];
  const inLine = async (count: number) =>
    until(async () => (await etcd.keys(`/${resource}`)).length === count, `${count} in line`);
  const held = await a.acquire(claim({ resource }), never);
  const order: string[] = [];
  const granted = (who: string) => async (lease: Lease) => {
    order.push(who);
    await lease.release();
  };
  const second = b.acquire(claim({ resource }), never).then(granted('b'));
  await inLine(2);
  const third = c.acquire(claim({ resource }), never).then(granted('c'));
  await inLine(3);
  const [, key = ''] = await etcd.admin.getAll().prefix(`/${resource}`).sort('Create', 'Ascend').keys();
  await etcd.admin.delete().key(key);
  await inLine(3);
  await held.release();
  await Promise.all([second, third]);
  assert.deepEqual(order, ['c', 'b']);
});

test('a waiter whose renewals alone have no answer is told so after a time to live', async (t) => {
  const on = scope(t);
  const resource = 'unkept';
  await (await use(on, etcd.admin, 10_000)).acquire(claim({ resource }), never);
  const leaseKeepAlive: LeaseClient['leaseKeepAlive'] = async () => {
    throw new Error('14 UNAVAILABLE: etcdserver: no leader');
  };
  const waiter = await use(on, altered(etcd.admin, { leaseClient: { leaseKeepAlive } }), 2000);
  await assert.rejects(waiter.acquire(claim({ resource }), never), {
    name: 'SessionLostError',
    message: /longer than the time to live of our place in line$/,
  });
});

test('a waiter whose watch has died without a word looks again: it waits a time to live longer at most', async (t) => {
  const on = scope(t);
  const held = await (await use(on, etcd.admin, 10_000)).acquire(claim({ resource: 'deaf' }), never);
  let watched = false;
  const waiter = await use(
    on,
    deaf(() => {
      watched = true;
    }),
    2000,
  );
  const next = waiter.acquire(claim({ resource: 'deaf' }), never);
  await until(() => watched, 'the second one waits');
  await held.release();
  await (await next).release();
});

test('a waiter that was away until the history it needs was compacted reads the line afresh', async (t) => {
  const on = scope(t);
  const held = await (await use(on, etcd.admin, 10_000)).acquire(claim({ resource: 'compacted' }), never);
  let watches = 0;
  const watch: WatchClient['watch'] = async (options) => {
    watches += 1;
    if (watches === 1) {
      await held.release();
      await etcd.admin.put('compacted').value('by then');
      const { header } = await etcd.admin.kv.range({ key: Buffer.from('compacted') });
      await etcd.admin.kv.compact({ revision: header.revision, physical: true });
    }
    return etcd.admin.watchClient.watch(options);
  };
  // So long that it cannot be its look once in a time to live that helps.
  const waiter = await use(on, altered(etcd.admin, { watchClient: { watch } }), 300_000);
  const lease = await waiter.acquire(claim({ resource: 'compacted' }), never);
  await lease.release();
});
