import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Etcd3 } from 'etcd3';
import { Redis } from 'ioredis';
import { Memcache } from 'memcache';
import type { OwnClient } from '../../src/lock/clients.js';
import { connect } from '../../src/lock/locks.js';
import { until } from '../../src/testing/until.js';
import type { Duration } from '../../src/util/duration.js';
import { UsageError } from '../../src/util/errors.js';
import { type Etcd, startEtcd } from '../helpers/etcd.js';
import { type Memcached, startMemcached } from '../helpers/memcached.js';
import { type RedisServer, startRedis } from '../helpers/redis.js';
import { Scope } from '../helpers/scope.js';

const servers = new Scope();
let etcd: Etcd;
let redis: RedisServer;
let memcached: Memcached;
before(async () => {
  [etcd, redis, memcached] = await Promise.all([
    servers.use(startEtcd()),
    servers.use(startRedis()),
    servers.use(startMemcached()),
  ]);
});
after(() => servers.end());

/** Locks by a client exclude those by a URL, and the client is of use as before when they are closed. */
async function excludes(own: OwnClient, url: string): Promise<void> {
  const ttl = '4s';
  const byClient = await connect(own, { ttl });
  await using byUrl = await connect(url, { ttl, retryInterval: '50ms' });
  const [mine, theirs] = [byClient.lock('client'), byUrl.lock('client')];
  // A server that was started a moment ago grants nothing yet.
  await mine.acquire();
  assert.equal(await theirs.tryAcquire(), undefined);
  assert.equal(await theirs.locked(), true);
  const waiting = theirs.acquire();
  await byClient.close();
  assert.equal((await waiting).owned, true);
  assert.equal(mine.owned, false);
}

test('a redis client of one’s own says where the locks are, and stays open', async (t) => {
  const client = new Redis(redis.port, '127.0.0.1');
  t.after(() => client.disconnect());
  await excludes({ redis: client }, `redis://${redis.address}`);
  assert.equal(await client.ping(), 'PONG');
});

test('an etcd client of one’s own is used, and stays open', async (t) => {
  const client = new Etcd3({ hosts: etcd.hosts });
  t.after(() => client.close());
  await excludes({ etcd: client }, `etcd://${etcd.hosts}`);
  await client.put('mine').value('x');
});

test('a memcached client of one’s own says where the locks are, and stays open', async (t) => {
  const client = new Memcache(memcached.address);
  t.after(() => client.disconnect());
  await excludes({ memcached: client }, `memcached://${memcached.address}`);
  assert.equal(await client.set('mine', 'x'), true);
});

test('retryInterval says how often a waiter asks memcached, which tells nobody of a release', async () => {
  const url = `memcached://${memcached.address}`;
  const connectWith = (retryInterval: Duration) => connect(url, { ttl: '4s', retryInterval });
  await using rare = await connectWith('1m');
  await using often = await connectWith(20);
  const holder = often.lock('retry');
  await holder.acquire();
  const told: unknown[] = [];
  const slow = rare.lock('retry');
  const waiting = slow.acquire({ onQueue: (contenders) => told.push(contenders) });
  waiting.catch(() => {});
  await until(() => told.length > 0, 'it has asked once');
  await holder.release();
  // As often as it likes, the other has the lock meanwhile.
  for (let round = 0; round < 3; round += 1) {
    await holder.acquire();
    await holder.release();
  }
  assert.equal(slow.owned, false);
  await slow[Symbol.asyncDispose]();
  await assert.rejects(waiting);
});

test('what is no client, and a timing that cannot hold, is refused before anything is opened', async () => {
  // What the types refuse, a JavaScript program may say.
  const none = { mongo: {} } as unknown as OwnClient;
  await assert.rejects(
    connect(none),
    /^UsageError: expected a client as \{ redis \}, \{ etcd \}, \{ memcached \}/,
  );
  const client = { isCluster: false, duplicate: () => undefined };
  await assert.rejects(connect({ redis: client }, { ttl: '4s', lossGrace: '4s' }), UsageError);
});
