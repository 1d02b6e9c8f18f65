import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../../src/testing/until.js';
import { type Etcd, startEtcdCluster } from '../../helpers/etcd.js';
import { scope } from '../../helpers/scope.js';
import { claim, never, open } from './kit.js';

let etcd: Etcd;
before(async () => {
  etcd = await startEtcdCluster(3, { electionMs: 500 });
});
after(() => etcd[Symbol.asyncDispose]());

test('a leader that is killed touches neither the holder nor the line', async (t) => {
  const on = scope(t);
  const [a, b] = [
    await on.use(open(etcd.hosts, { ttlMs: 10_000 })),
    await on.use(open(etcd.hosts, { ttlMs: 10_000 })),
  ];
  const lease = await a.acquire(claim(), never);
  const next = b.acquire(claim(), never);
  await until(async () => (await a.contenders('lockex/r', never)).length === 2, 'the second one waits');
  const leader = await etcd.leader();
  await leader.kill();
  await until(async () => (await etcd.leader()) !== leader, 'another one leads');
  await new Promise<void>((resolve) => lease.onRenewed(resolve));
  assert.equal(lease.isLost(), false);
  await lease.release();
  await (await next).release();
  await etcd.restart(leader);
});

test('one server of three that hangs touches nobody: the next one is asked', async (t) => {
  const on = scope(t);
  const leaderNow = await etcd.leader();
  const hung = etcd.servers.find((server) => server !== leaderNow);
  assert.ok(hung);
  const others = etcd.servers.filter((server) => server !== hung).map(({ address }) => address);
  const a = await on.use(open([hung.address, ...others].join(','), { ttlMs: 10_000 }));
  const lease = await a.acquire(claim(), never);
  await hung.freeze();
  for (let renewals = 0; renewals < 4; renewals += 1) {
    await new Promise<void>((resolve) => lease.onRenewed(resolve));
  }
  assert.equal(lease.isLost(), false);
  // With which of the servers it begins is left to chance.
  for (let opened = 0; opened < 4; opened += 1) await on.use(open(etcd.hosts, { ttlMs: 10_000 }));
  hung.thaw();
  await lease.release();
});

test('without a quorum nothing is granted and nothing is renewed', async (t) => {
  const on = scope(t);
  const a = await on.use(open(etcd.hosts, { ttlMs: 4000 }));
  const lease = await a.acquire(claim(), never);
  const dead = etcd.servers.slice(0, 2);
  for (const server of dead) await server.kill();
  await until(() => lease.isLost(), 'the lease is lost');
  await assert.rejects(open(etcd.hosts, { connectLimitMs: 3000 }), { name: 'ServiceUnreachableError' });
  for (const server of dead) server.launch();
  await etcd.ready();
});
