import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Memcache } from 'memcache';
import { useMemcached } from '../../../src/backend/memcached/index.js';
import { keyOf } from '../../../src/backend/memcached/key.js';
import { parseServers, serverOf } from '../../../src/backend/memcached/servers.js';
import { ServiceUnreachableError, UsageError } from '../../../src/util/errors.js';
import { startMemcached } from '../../helpers/memcached.js';
import { scope } from '../../helpers/scope.js';
import { claim, never, open, options, TTL_MS } from './kit.js';

test('of several memcached servers each lock is on one, and does without the others', async (t) => {
  const on = scope(t);
  const servers = await Promise.all([on.use(startMemcached()), on.use(startMemcached())]);
  for (const server of servers) await server.settled(TTL_MS);
  const address = servers.map((server) => server.address).join(',');
  const names = Array.from({ length: 8 }, (_, n) => `several-${n}`);
  const placed = names.map((name) => serverOf(`test/${name}`, parseServers(address)).port);
  const [dead, alive] = servers;
  assert.ok(dead !== undefined && alive !== undefined);
  const backend = await on.use(open(address));
  const leases = await Promise.all(names.map((name) => backend.acquire(claim(name), never)));
  for (const server of servers) {
    const mine = names.filter((_, n) => placed[n] === server.port).map((name) => keyOf(`test/${name}`));
    assert.ok(mine.length > 0);
    assert.deepEqual([...(await server.keys())].sort(), mine.sort());
  }
  await Promise.all(leases.map((lease) => lease.release()));

  await dead.kill();
  const name = (port: number) => names.find((_, n) => placed[n] === port) ?? '';
  const later = await on.use(open(address, { connectLimitMs: 1000 }));
  const lease = await later.tryAcquire(claim(name(alive.port)), never);
  assert.ok(lease);
  await lease.release();
  await assert.rejects(later.tryAcquire(claim(name(dead.port)), never), ServiceUnreachableError);
  await assert.rejects(later.acquire(claim(name(dead.port)), never), ServiceUnreachableError);
});

test('a client of the library says where the servers are, and is left as it was', async (t) => {
  const on = scope(t);
  const memcached = await on.use(startMemcached());
  await memcached.settled(TTL_MS);
  const client = new Memcache(memcached.address);
  t.after(() => client.disconnect());
  await client.set('mine', 'x');
  const backend = await on.use(useMemcached(client, options(), never));
  const lease = await backend.acquire(claim('client'), never);
  await lease.release();
  await backend[Symbol.asyncDispose]();
  assert.equal(await client.get('mine'), 'x');
  const secret = new Memcache({ nodes: [memcached.address], sasl: { username: 'a', password: 'b' } });
  await assert.rejects(useMemcached(secret, options(), never), UsageError);
});
