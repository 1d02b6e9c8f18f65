import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { authority, type Certificate, certificate } from '../helpers/certificates.js';
import { LOCKEX } from '../helpers/lockex.js';
import { freePort } from '../helpers/ports.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { type TempDir, tempDir } from '../helpers/temp.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock, run } from './stage.js';

/** A ZooKeeper with a port that speaks TLS and wants to see a certificate of the client's. */
let zookeeper: ZooKeeper;
let dir: TempDir;
let secure: string;
let ca: Certificate;
let client: Certificate;
let strangers: Certificate;

before(async () => {
  dir = await tempDir('tls');
  ca = authority(dir, 'ca');
  client = certificate(dir, 'client', ca);
  const server = certificate(dir, 'server', ca);
  strangers = authority(dir, 'strangers');
  const port = await freePort();
  secure = `127.0.0.1:${port}`;
  zookeeper = await startZooKeeper({
    config: [
      `secureClientPort=${port}`,
      'secureClientPortAddress=127.0.0.1',
      'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
      `ssl.keyStore.location=${server.both}`,
      'ssl.keyStore.type=PEM',
      `ssl.trustStore.location=${ca.cert}`,
      'ssl.trustStore.type=PEM',
      'ssl.hostnameVerification=false',
    ],
  });
});
after(async () => {
  await zookeeper[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

const material = (own: Certificate, trusted: Certificate) => [
  '--tls-ca',
  trusted.cert,
  '--tls-cert',
  own.cert,
  '--tls-key',
  own.key,
];

test('runs the command over mutual TLS', async (t) => {
  const it = await run(t, secure, ['-i', freshLock(), ...material(client, ca)], ['sh', '-c', 'exit 5']);
  assert.deepEqual(await it.exited, { code: 5, signal: null }, it.stderr);
});

for (const isolation of ['subreaper', 'walk']) {
  test(`over TLS, too, kill -9 of lockex gives the lock back: isolation ${isolation}`, async (t) => {
    // Long enough that the end of the test shows that nobody waited for the session to expire.
    const lock = ['-i', freshLock(), '-T', '60', '--isolation', isolation, ...material(client, ca)];
    const holder = await run(t, secure, lock, ['sh', '-c', 'echo ready; exec sleep 300']);
    await until(() => holder.stdout === 'ready\n', 'the holder runs');
    const next = await run(t, secure, lock, ['true']);
    await until(() => /waiting: held by/.test(next.stderr), 'the next one waits');
    holder.kill('SIGKILL');
    assert.deepEqual(await next.exited, { code: 0, signal: null }, next.stderr);
    await until(() => /gave the lock back at/.test(holder.stderr), 'the guardian says so');
  });
}

test('lockex verify asks over TLS, too, with files of its own options or of the environment', async (t) => {
  const [caFile, cert, key] = [ca.cert, client.cert, client.key];
  const options = `verify --tls-ca '${caFile}' --tls-cert '${cert}' --tls-key '${key}'`;
  const env = `LOCKEX_TLS_CA='${caFile}' LOCKEX_TLS_CERT='${cert}' LOCKEX_TLS_KEY='${key}'`;
  const script = `'${LOCKEX}' ${options} && ${env} '${LOCKEX}' verify && ! '${LOCKEX}' verify -T 1`;
  const it = await run(t, secure, ['-q', '-i', freshLock(), ...material(client, ca)], ['sh', '-c', script]);
  assert.deepEqual(await it.exited, { code: 0, signal: null }, it.stderr);
  assert.match(it.stderr, /^lockex: verify: it cannot be confirmed .*\n$/, 'without TLS nobody answers');
});

test('trap 50: Wrong password/ACL/TLS fails fast with own exit code and never falls back to plaintext or world ACL; secrets absent from argv, logs and node data (a certificate that nobody we trust vouches for)', async (t) => {
  const it = await run(t, secure, ['-T', '60', '-i', freshLock(), ...material(client, strangers)], ['true']);
  assert.deepEqual(await it.exited, { code: 77, signal: null });
  assert.match(it.stderr, /no TLS with ZooKeeper: .*certificate"/);
});

test('trap 50: Wrong password/ACL/TLS fails fast with own exit code and never falls back to plaintext or world ACL; secrets absent from argv, logs and node data (a server that does not accept our certificate)', async (t) => {
  const other = certificate(dir, 'other', strangers);
  const it = await run(t, secure, ['-T', '60', '-i', freshLock(), ...material(other, ca)], ['true']);
  assert.deepEqual(await it.exited, { code: 77, signal: null }, it.stderr);
  assert.match(it.stderr, /no TLS with ZooKeeper/);
});

test('trap 50: Wrong password/ACL/TLS fails fast with own exit code and never falls back to plaintext or world ACL; secrets absent from argv, logs and node data (a server without TLS)', async (t) => {
  // What ends the connection at our first word may be a server that is only starting: it is tried until the limit.
  const first: Buffer[] = [];
  const proxy = await scope(t).use(
    startProxy(zookeeper.address, {
      protocol: 'raw',
      rewriteFirst: (chunk) => {
        first.push(chunk);
        return chunk;
      },
    }),
  );
  const options = ['-T', '1', '-i', freshLock(), ...material(client, ca)];
  const it = await run(t, proxy.address, options, ['echo', 'ran']);
  assert.deepEqual(await it.exited, { code: 69, signal: null });
  assert.match(it.stderr, /before secure TLS connection was established/);
  assert.equal(it.stdout, '');
  assert.ok(first.length >= 2, 'it was tried again');
  // A handshake record of TLS, and nothing else, ever.
  for (const chunk of first) assert.deepEqual([chunk[0], chunk[1]], [0x16, 0x03]);
  assert.equal(
    first.reduce((sum, { length }) => sum + length, 0),
    proxy.bytesFromClient,
  );
});
