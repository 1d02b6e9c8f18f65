import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { useRedis } from '../../../src/backend/redis/index.js';
import { RIGHTS } from '../../../src/backend/redis/redis-error.js';
import { until } from '../../../src/testing/until.js';
import { NotPermittedError, ServiceUnreachableError, UsageError } from '../../../src/util/errors.js';
import { silentLog } from '../../../src/util/log.js';
import { authority, certificate } from '../../helpers/certificates.js';
import { silentServer } from '../../helpers/fake-servers.js';
import { freePort } from '../../helpers/ports.js';
import { type RedisServer, startRedis } from '../../helpers/redis.js';
import { scope } from '../../helpers/scope.js';
import { tempDir } from '../../helpers/temp.js';
import { acquire, never, openAt, openOptions, tryAcquire } from './kit.js';

/** The servers' age is not the matter here. */
const grown = { minUptimeS: 0 };
let redis: RedisServer;
before(async () => {
  redis = await startRedis({ args: ['--requirepass', 'secret'], cli: ['-a', 'secret'] });
  await redis.cli('ACL', 'SETUSER', 'worker', 'on', '>pass word', ...RIGHTS.split(' '));
  await redis.cli('ACL', 'SETUSER', 'poor', 'on', '>pass', '~lockex:*', '+eval', '+info');
  await redis.cli(
    'ACL',
    'SETUSER',
    'deaf',
    'on',
    '>pass',
    ...RIGHTS.split(' '),
    'resetchannels',
    '-subscribe',
  );
});
after(() => redis[Symbol.asyncDispose]());

test('the login is that of the file, and that of the URL before it; a lock needs no more rights than it says', async (t) => {
  const it = scope(t);
  const login = Buffer.from('worker:pass word');
  const session = await it.use(openAt(redis.address, { ...grown, login }));
  const held = await acquire(session);
  const other = await it.use(
    openAt(`worker:pass%20word@${redis.address}`, { ...grown, login: Buffer.from(':no') }),
  );
  const next = acquire(other);
  await until(async () => (await session.contenders('test/r', never)).length === 2, 'it waits');
  assert.ok(session.farewells[0]?.bytes.includes('worker'));
  await held.release();
  await (await next).release();
  const byPassword = await it.use(openAt(redis.address, { ...grown, login: Buffer.from(':secret') }));
  assert.ok(await tryAcquire(byPassword));
});

for (const [what, login] of [
  ['no password', undefined],
  ['a wrong password', ':wrong'],
  ['an unknown user', 'nobody:secret'],
] as const) {
  test(`${what} is refused at once, and not tried again until the limit`, async () => {
    const options = { connectLimitMs: 60_000, ...(login === undefined ? {} : { login: Buffer.from(login) }) };
    await assert.rejects(openAt(redis.address, options), (error) => {
      assert.ok(error instanceof NotPermittedError, String(error));
      assert.doesNotMatch(error.message, /wrong$|secret/);
      return true;
    });
  });
}

test('a user without the rights is told which are missing', async (t) => {
  const session = await scope(t).use(openAt(`poor:pass@${redis.address}`, grown));
  await assert.rejects(acquire(session), (error) => {
    assert.ok(error instanceof NotPermittedError, String(error));
    assert.match(error.hint ?? '', /~lockex:\*/);
    return true;
  });
});

test('one who may not listen looks every so often, and gets the lock', async (t) => {
  const it = scope(t);
  const held = await acquire(await it.use(openAt(`:secret@${redis.address}`, grown)), {
    resource: 'test/deaf',
  });
  const session = await it.use(openAt(`deaf:pass@${redis.address}`, grown));
  const next = acquire(session, { resource: 'test/deaf' });
  await until(async () => (await session.contenders('test/deaf', never)).length === 2, 'it waits');
  await held.release();
  await (await next).release();
});

test('a replica is refused, and its master is named', async (t) => {
  const it = scope(t);
  const args = ['--replicaof', '127.0.0.1', `${redis.port}`, '--masterauth', 'secret'];
  const replica = await it.use(startRedis({ args }));
  await assert.rejects(
    openAt(replica.address),
    (error) => error instanceof UsageError && error.hint?.includes(redis.address) === true,
  );
});

test('a node of a cluster is refused', async (t) => {
  // Its second port would be ten thousand above the first, where the system takes ports for connections from.
  const args = ['--cluster-enabled', 'yes', '--cluster-port', `${await freePort()}`];
  const node = await scope(t).use(startRedis({ args }));
  await assert.rejects(
    openAt(node.address),
    (error) => error instanceof UsageError && /cluster/.test(error.message),
  );
});

test('a server that may throw locks away is warned of', async (t) => {
  const it = scope(t);
  const full = await it.use(
    startRedis({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] }),
  );
  const said: string[] = [];
  const log = { ...silentLog, warn: (_: unknown, message: string) => void said.push(message) };
  await it.use(openAt(full.address, { log }));
  assert.match(said.join(), /maxmemory-policy to noeviction/);
});

test('a server that became a replica grants nothing, and what it says of a lease does not count', async (t) => {
  const it = scope(t);
  const other = await it.use(startRedis());
  const session = await it.use(openAt(other.address, { ...grown, connectLimitMs: 2000 }));
  const held = await acquire(session);
  // One that takes what is written to it, to forget it when next it hears of its master.
  await other.cli('CONFIG', 'SET', 'replica-read-only', 'no');
  await other.cli('REPLICAOF', '127.0.0.1', `${await freePort()}`);
  await assert.rejects(tryAcquire(session, { resource: 'test/other' }), ServiceUnreachableError);
  await assert.rejects(
    session.owns(held.evidence ?? '', AbortSignal.timeout(300)),
    (error) => error instanceof Error && error.name === 'TimeoutError',
  );
  await until(() => held.lost.aborted, 'the lease is lost');
});

test('nobody listens, or who listens is silent: the session is given up in time, and nothing hangs', async (t) => {
  const it = scope(t);
  const silent = await it.use(silentServer());
  for (const address of [`127.0.0.1:${await freePort()}`, silent.address]) {
    await assert.rejects(openAt(address, { connectLimitMs: 400 }), ServiceUnreachableError);
  }
  await assert.rejects(openAt(`127.0.0.1:${await freePort()}`, { connectAttempts: 1 }), /ECONNREFUSED/);
});

test('with TLS, only a server that the authority vouches for is spoken to', async (t) => {
  const it = scope(t);
  const dir = await it.use(tempDir('redis-tls'));
  const ca = authority(dir, 'ca');
  const own = certificate(dir, 'server', ca);
  const files = ['--tls-cert-file', own.cert, '--tls-key-file', own.key, '--tls-ca-cert-file', ca.cert];
  const cli = ['--tls', '--cacert', ca.cert, '--cert', own.cert, '--key', own.key];
  const secure = await it.use(startRedis({ tls: true, args: files, cli }));
  const pem = (file: string) => readFileSync(file);
  const tls = { ca: pem(ca.cert), cert: pem(own.cert), key: pem(own.key) };
  const session = await it.use(openAt(secure.address, { ...grown, tls }));
  const held = await acquire(session);
  assert.match(held.evidence ?? '', /"rediss:/);
  assert.deepEqual(session.farewells[0]?.tls, tls);
  await held.release();
  await assert.rejects(openAt(secure.address, { tls: { cert: tls.cert, key: tls.key } }), NotPermittedError);
});

test("a client of the caller's own is used for its address and login, and left as it was", async (t) => {
  const it = scope(t);
  const client = new Redis({
    port: redis.port,
    host: '127.0.0.1',
    password: 'secret',
    db: 3,
    keyPrefix: 'app:',
  });
  const session = await useRedis(client, openOptions(grown), never);
  const held = await acquire(session, { resource: 'test/own' });
  assert.match(held.evidence ?? '', new RegExp(`redis://${redis.address}/3`));
  assert.doesNotMatch(held.evidence ?? '', /secret/);
  const other = await it.use(openAt(`:secret@${redis.address}/3`, grown));
  assert.equal(await tryAcquire(other, { resource: 'test/own' }), undefined);
  await session[Symbol.asyncDispose]();
  assert.ok(await tryAcquire(other, { resource: 'test/own' }));
  assert.equal(await client.ping(), 'PONG');
  client.disconnect();
});

test('a client of the caller’s own that follows failovers is refused: of a cluster, or by sentinels', async () => {
  const sentinels = [{ host: '127.0.0.1', port: 1 }];
  const bySentinel = new Redis({ sentinels, name: 'mymaster', lazyConnect: true });
  const ofCluster = Object.assign(new Redis({ lazyConnect: true }), { isCluster: true });
  for (const [client, what] of [
    [bySentinel, 'one that follows sentinels'],
    [ofCluster, 'one of a cluster'],
  ] as const) {
    await assert.rejects(useRedis(client, openOptions(), never), {
      name: 'UsageError',
      message: `expected clients of single redis masters, got ${what}`,
    });
    client.disconnect();
  }
});
