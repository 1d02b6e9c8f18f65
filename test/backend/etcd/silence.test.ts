import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AlarmAction, AlarmType } from 'etcd3';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { LeaseLostError } from '../../../src/util/errors.js';
import { type Etcd, startEtcd } from '../../helpers/etcd.js';
import { startProxy } from '../../helpers/proxy.js';
import { scope } from '../../helpers/scope.js';
import { claim, never, open } from './kit.js';

let etcd: Etcd;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd[Symbol.asyncDispose]());

test('a server that falls silent loses the lease, and the deadline comes before anybody else can have the lock', async (t) => {
  const owned = scope(t);
  const proxy = await owned.use(startProxy(etcd.hosts, { protocol: 'raw' }));
  const [a, b] = [await owned.use(open(proxy.address)), await owned.use(open(etcd.hosts))];
  const lease = await a.acquire(claim(), never);
  const next = b.acquire(claim(), never);
  await until(async () => (await b.contenders('lockex/r', never)).length === 2, 'the second one waits');
  proxy.mode = 'blackhole';
  await until(() => lease.isLost(), 'the loss is noticed');
  assert.ok(lease.lost.reason instanceof LeaseLostError);
  assert.equal(lease.lost.reason.lossCause, 'silence');
  assert.ok(lease.lost.reason.remainingMs > 0, 'there is time left to stop in');
  await next;
  assert.ok(systemClock.now() > lease.deadline(), 'the deadline came first');
});

test('a silence shorter than what is ridden out touches nobody, and the connection that fell silent is not used again', async (t) => {
  const owned = scope(t);
  const proxy = await owned.use(startProxy(etcd.hosts, { protocol: 'raw' }));
  const a = await owned.use(open(proxy.address, { ttlMs: 10_000 }));
  // One that asks for nothing notices nothing, and keeps its connection.
  await owned.use(open(proxy.address));
  const lease = await a.acquire(claim({ resource: 'lockex/short' }), never);
  const before = proxy.accepted;
  proxy.mode = 'blackhole';
  await until(() => proxy.accepted > before, 'another connection is tried');
  proxy.mode = 'pass';
  proxy.reset();
  const renewed = new Promise<void>((resolve) => lease.onRenewed(resolve));
  await renewed;
  assert.equal(lease.isLost(), false);
});

test('a waiter that the server leaves without an answer keeps its place when that ends in time', async (t) => {
  const owned = scope(t);
  const proxy = await owned.use(startProxy(etcd.hosts, { protocol: 'raw' }));
  const [a, b] = [await owned.use(open(etcd.hosts)), await owned.use(open(proxy.address, { ttlMs: 10_000 }))];
  const part = { resource: 'lockex/waiter' };
  const lease = await a.acquire(claim(part), never);
  const next = b.acquire(claim(part), never);
  await until(async () => (await a.contenders(part.resource, never)).length === 2, 'the second one waits');
  const before = proxy.accepted;
  proxy.mode = 'blackhole';
  // The wake-up is lost on the silent connection.
  await lease.release();
  await until(() => proxy.accepted > before, 'another connection is tried');
  proxy.mode = 'pass';
  proxy.reset();
  assert.equal((await next).isLost(), false);
});

test('a waiter whose server falls silent hears by way of another one that it is its turn', async (t) => {
  const owned = scope(t);
  const proxies = [
    await owned.use(startProxy(etcd.hosts, { protocol: 'raw' })),
    await owned.use(startProxy(etcd.hosts, { protocol: 'raw' })),
  ];
  const addresses = proxies.map(({ address }) => address).join(',');
  // So long that it looks at the line by itself after more than the test waits.
  const [a, b] = [await owned.use(open(etcd.hosts)), await owned.use(open(addresses, { ttlMs: 30_000 }))];
  const part = { resource: 'lockex/other-way' };
  const lease = await a.acquire(claim(part), never);
  let granted = false;
  const next = b.acquire(claim(part), never).then((second) => {
    granted = true;
    return second;
  });
  await until(async () => (await a.contenders(part.resource, never)).length === 2, 'the second one waits');
  const [used, other] = proxies[0]?.accepted === 0 ? proxies.toReversed() : proxies;
  assert.ok(used !== undefined && other !== undefined);
  used.mode = 'blackhole';
  await until(() => other.accepted > 0, 'the other way is tried');
  await lease.release();
  await until(() => granted, 'it is granted');
  await (await next).release();
});

test('a waiter that no server answers for longer than its time to live is told that its place is lost', async (t) => {
  const owned = scope(t);
  const proxy = await owned.use(startProxy(etcd.hosts, { protocol: 'raw' }));
  const [a, b] = [await owned.use(open(etcd.hosts)), await owned.use(open(proxy.address, { ttlMs: 2000 }))];
  const part = { resource: 'lockex/silent' };
  await a.acquire(claim(part), never);
  const next = b.acquire(claim(part), never);
  await until(async () => (await a.contenders(part.resource, never)).length === 2, 'the second one waits');
  proxy.mode = 'blackhole';
  await assert.rejects(next, { name: 'SessionLostError' });
});

test('who is not in line yet when the servers fall silent is told so after a time to live', async (t) => {
  const owned = scope(t);
  const proxy = await owned.use(startProxy(etcd.hosts, { protocol: 'raw' }));
  const a = await owned.use(open(proxy.address, { ttlMs: 2000 }));
  proxy.mode = 'blackhole';
  const isLost = { name: 'SessionLostError', message: /^no etcd server did what it was asked for \d+ ms: / };
  await Promise.all([
    assert.rejects(a.acquire(claim({ resource: 'lockex/late' }), never), isLost),
    assert.rejects(a.tryAcquire(claim({ resource: 'lockex/later' }), never), isLost),
    assert.rejects(a.contenders('lockex/late', never), isLost),
  ]);
});

test('a cluster that is full is said to be so at once; who holds goes on, and gives back', async (t) => {
  const owned = scope(t);
  const full = await owned.use(startEtcd());
  const [a, b] = [
    await owned.use(open(full.hosts, { ttlMs: 10_000 })),
    await owned.use(open(full.hosts, { ttlMs: 300_000 })),
  ];
  const lease = await a.acquire(claim(), never);
  const next = b.acquire(claim(), never);
  await until(async () => (await a.contenders('lockex/r', never)).length === 2, 'the second one waits');
  await full.admin.maintenance.alarm({
    action: AlarmAction.Activate,
    memberID: '0',
    alarm: AlarmType.Nospace,
  });
  const isFull = {
    name: 'ServiceUnreachableError',
    message: /^etcd takes no writes: .*database space exceeded$/,
  };
  // Long before the time to live has passed.
  await assert.rejects(b.tryAcquire(claim({ resource: 'lockex/other' }), never), isFull);
  await new Promise<void>((resolve) => lease.onRenewed(resolve));
  await lease.release();
  await assert.rejects(next, isFull);
  await until(async () => (await full.keys('/')).length === 0, 'nothing is left');
});

test('a server that is killed and comes back at once touches neither the holder nor the line', async (t) => {
  const owned = scope(t);
  const [a, b] = [
    await owned.use(open(etcd.hosts, { ttlMs: 10_000 })),
    await owned.use(open(etcd.hosts, { ttlMs: 10_000 })),
  ];
  const part = { resource: 'lockex/restart' };
  const lease = await a.acquire(claim(part), never);
  const next = b.acquire(claim(part), never);
  await until(async () => (await a.contenders(part.resource, never)).length === 2, 'the second one waits');
  await etcd.server().kill();
  await etcd.restart(etcd.server());
  const renewed = new Promise<void>((resolve) => lease.onRenewed(resolve));
  await renewed;
  assert.equal(lease.isLost(), false);
  await lease.release();
  const second = await next;
  assert.ok((second.fencingToken ?? 0n) > (lease.fencingToken ?? 0n));
});

test('a session that is closed while its server is silent is closed within a second', async (t) => {
  const owned = scope(t);
  const proxy = await owned.use(startProxy(etcd.hosts, { protocol: 'raw' }));
  const a = await open(proxy.address);
  await a.acquire(claim({ resource: 'lockex/closed' }), never);
  proxy.mode = 'blackhole';
  const begun = systemClock.now();
  await a[Symbol.asyncDispose]();
  assert.ok(systemClock.now() - begun < 1000);
});
