import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { Etcd3 } from 'etcd3';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { NotPermittedError, ServiceUnreachableError } from '../../../src/util/errors.js';
import { silentLog } from '../../../src/util/log.js';
import { running, STAYS, waiting } from '../../e2e/stage.js';
import { authority, certificate } from '../../helpers/certificates.js';
import { type Etcd, startEtcd } from '../../helpers/etcd.js';
import { lockex } from '../../helpers/lockex.js';
import { startProxy } from '../../helpers/proxy.js';
import { scope } from '../../helpers/scope.js';
import { tempDir } from '../../helpers/temp.js';
import { claim, never, open } from './kit.js';

/** Switches authentication on, with `root` and one more user whose role may write below `/mine/`. */
async function withUsers(etcd: Etcd): Promise<void> {
  const { auth } = etcd.admin;
  await auth.userAdd({ name: 'root', password: 'secret' });
  await auth.userGrantRole({ user: 'root', role: 'root' });
  await auth.roleAdd({ name: 'mine' });
  const perm = { key: Buffer.from('/mine/'), range_end: Buffer.from('/mine0') };
  const permType = 'Readwrite' as const;
  await auth.roleGrantPermission({ name: 'mine', perm: { ...perm, permType } });
  await auth.userAdd({ name: 'bob', password: 'p:w@rd' });
  await auth.userGrantRole({ user: 'bob', role: 'mine' });
  await auth.authEnable();
}

test('a login in the URL or in the file is used, and a wrong one is refused at once', async (t) => {
  const on = scope(t);
  const etcd = await on.use(startEtcd());
  await withUsers(etcd);
  const backend = await on.use(open(`root:secret@${etcd.hosts}`));
  await (await backend.acquire(claim(), never)).release();
  const fromFile = await on.use(open(etcd.hosts, { login: Buffer.from('root:secret') }));
  await (await fromFile.acquire(claim(), never)).release();
  const both = await on.use(open(`root:secret@${etcd.hosts}`, { login: Buffer.from('root:wrong') }));
  await (await both.acquire(claim(), never)).release();

  await assert.rejects(open(`root:wrong@${etcd.hosts}`), isRefusal);
  await assert.rejects(open(etcd.hosts), isRefusal);

  await t.test('a user may contend where its role lets it, and is refused elsewhere', async () => {
    const mine = await on.use(open(`bob:p%3Aw%40rd@${etcd.hosts}/mine`));
    await (await mine.acquire(claim(), never)).release();
    const others = await on.use(open(`bob:p%3Aw%40rd@${etcd.hosts}/others`));
    await assert.rejects(others.acquire(claim(), never), isRefusal);
  });

  await t.test('a token that a restarted server does not know any more is asked for again', async () => {
    const lease = await backend.acquire(claim(), never);
    await etcd.server().kill();
    etcd.server().launch();
    await new Promise<void>((resolve) => lease.onRenewed(resolve));
    await new Promise<void>((resolve) => lease.onRenewed(resolve));
    assert.equal(lease.isLost(), false);
    await lease.release();
  });

  await t.test('when lockex is killed, its login gives the lock back', async () => {
    const dir = await on.use(tempDir('login'));
    await writeFile(dir.join('login'), 'root:secret\n', { mode: 0o600 });
    await killedGivesBack(t, [`--url=etcd://${etcd.hosts}`, `--auth-file=${dir.join('login')}`]);
  });
});

test('a login is not needed where authentication is switched off', async (t) => {
  const on = scope(t);
  const etcd = await on.use(startEtcd());
  const warned: string[] = [];
  const ignore = () => {};
  const log = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (_: object, line: string) => void warned.push(line),
  };
  const backend = await on.use(open(`root:secret@${etcd.hosts}`, { log }));
  await (await backend.acquire(claim(), never)).release();
  assert.deepEqual(warned, ['etcd has authentication switched off: the login is not used']);
});

test('authentication that is switched off touches neither the holder nor the line, however the connection ends', async (t) => {
  const on = scope(t);
  const etcd = await on.use(startEtcd());
  await withUsers(etcd);
  const proxy = await on.use(startProxy(etcd.hosts, { protocol: 'raw' }));
  const [a, b] = [
    await on.use(open(`root:secret@${proxy.address}`, { ttlMs: 10_000 })),
    await on.use(open(`root:secret@${proxy.address}`, { ttlMs: 10_000 })),
  ];
  const lease = await a.acquire(claim(), never);
  const next = b.acquire(claim(), never);
  const root = on.use(loggedIn(etcd));
  await until(async () => (await a.contenders('lockex/r', never)).length === 2, 'the second one waits');
  await (await root).auth.authDisable();
  proxy.reset();
  await new Promise<void>((resolve) => lease.onRenewed(resolve));
  assert.equal(lease.isLost(), false);
  await lease.release();
  await (await next).release();
});

test('a token that runs out between two renewals touches nobody', async (t) => {
  const on = scope(t);
  const etcd = await on.use(startEtcd({ tokenSeconds: 1 }));
  await withUsers(etcd);
  const a = await on.use(open(`root:secret@${etcd.hosts}`, { ttlMs: 36_000 }));
  const lease = await a.acquire(claim(), never);
  const before = await logins(etcd);
  const begun = systemClock.now();
  // They are three seconds apart.
  for (let renewals = 0; renewals < 2; renewals += 1) {
    await new Promise<void>((resolve) => lease.onRenewed(resolve));
  }
  assert.ok(systemClock.now() - begun < 30_000, 'they were on time');
  assert.ok((await logins(etcd)) > before, 'a token has run out');
  await lease.release();
});

test('who may not hold a lock any more is told so before it is lost', async (t) => {
  const on = scope(t);
  const etcd = await on.use(startEtcd());
  await withUsers(etcd);
  const warned: string[] = [];
  const log = { ...silentLog, warn: (_: object, line: string) => void warned.push(line) };
  const backend = await on.use(open(`bob:p%3Aw%40rd@${etcd.hosts}/mine`, { log }));
  const lease = await backend.acquire(claim(), never);
  await (await on.use(loggedIn(etcd))).auth.userRevokeRole({ name: 'bob', role: 'mine' });
  await until(() => lease.isLost(), 'the lease is lost');
  assert.equal(warned.length, 1);
  assert.match(
    warned[0] ?? '',
    /^the lock is not renewed, and will be lost: etcd does not let us: .*permission denied$/,
  );
});

test('TLS and mutual TLS: the server is checked, and so are we', async (t) => {
  const on = scope(t);
  const dir = await on.use(tempDir('tls'));
  const [ca, otherCa] = [authority(dir, 'ca'), authority(dir, 'other')];
  const [server, client] = [certificate(dir, 'server', ca), certificate(dir, 'client', ca)];
  const etcd = await on.use(startEtcd({ tls: { certificate: server, clientsOf: ca } }));
  const pem = (path: string) => readFileSync(path);
  const ours = { cert: pem(client.cert), key: pem(client.key) };
  const backend = await on.use(open(etcd.hosts, { tls: { ca: pem(ca.cert), ...ours } }));
  await (await backend.acquire(claim(), never)).release();

  const quick = { connectAttempts: 2 };
  // However many attempts there are: another one does not help.
  await assert.rejects(open(etcd.hosts, { tls: { ca: pem(otherCa.cert), ...ours } }), isTlsTrouble);
  await assert.rejects(open(etcd.hosts, { tls: { ca: pem(ca.cert) } }), isTlsTrouble);
  await assert.rejects(open(etcd.hosts, quick), ServiceUnreachableError);

  await t.test('when lockex is killed, the lock is given back over TLS', () =>
    killedGivesBack(t, [
      `--url=etcd://${etcd.hosts}`,
      ...['--tls-ca', ca.cert, '--tls-cert', client.cert, '--tls-key', client.key],
    ]),
  );
});

/** A time to live that is long enough for the end of the test to show that nobody waited for it. */
async function killedGivesBack(t: TestContext, options: readonly string[]): Promise<void> {
  const on = scope(t);
  const line = [...options, '-T', '300', '-i', 'killed', '--', ...STAYS];
  const first = await on.use(lockex(line));
  await running(first);
  const second = await on.use(lockex(line));
  await waiting(second);
  first.kill('SIGKILL');
  await running(second);
  second.kill('SIGTERM');
  await until(() => second.ended !== undefined, 'the second one ends');
}

/** A client of `root`'s. */
async function loggedIn(etcd: Etcd): Promise<Etcd3 & AsyncDisposable> {
  const client = new Etcd3({ hosts: etcd.hosts, auth: { username: 'root', password: 'secret' } });
  return Object.assign(client, { [Symbol.asyncDispose]: async () => client.close() });
}

/** How often somebody has asked for a token. */
async function logins(etcd: Etcd): Promise<number> {
  const text = await (await fetch(`http://${etcd.hosts}/metrics`)).text();
  const count = /^grpc_server_handled_total\{grpc_code="OK",grpc_method="Authenticate",.*\} (\d+)$/m.exec(
    text,
  );
  return Number(count?.[1] ?? 0);
}

function isTlsTrouble(error: unknown): boolean {
  assert.ok(error instanceof NotPermittedError, String(error));
  assert.match(error.message, /^no TLS with etcd: 127\.0\.0\.1:\d+: .*certificate/);
  assert.deepEqual(error.settings, ['tls']);
  return true;
}

function isRefusal(error: unknown): boolean {
  assert.ok(error instanceof NotPermittedError, String(error));
  assert.doesNotMatch(error.message, /secret|wrong|p:w@rd/);
  return true;
}
