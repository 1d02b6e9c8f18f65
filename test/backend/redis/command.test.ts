import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { until } from '../../../src/testing/until.js';
import { authority, certificate } from '../../helpers/certificates.js';
import { LOCKEX, type Lockex, lockex } from '../../helpers/lockex.js';
import { type RedisServer, startRedis } from '../../helpers/redis.js';
import { type Scope, scope } from '../../helpers/scope.js';
import { type TempDir, tempDir } from '../../helpers/temp.js';

/** Seconds: so long that the end of a test shows that nobody waited for it. */
const TIMEOUT = 12;
const STAYS = ['sh', '-c', 'echo ready; exec sleep 300'];

/** A password, and TLS: what works with them works without. */
let redis: RedisServer;
let dir: TempDir;
let options: readonly string[];
let ca: string;
let locks = 0;

before(async () => {
  dir = await tempDir('redis-command');
  const authorityOf = authority(dir, 'ca');
  const own = certificate(dir, 'server', authorityOf);
  ca = authorityOf.cert;
  const files = ['--tls-cert-file', own.cert, '--tls-key-file', own.key, '--tls-ca-cert-file', ca];
  redis = await startRedis({
    tls: true,
    args: [...files, '--tls-auth-clients', 'no', '--requirepass', 'secret'],
    cli: ['--tls', '--cacert', ca, '-a', 'secret'],
  });
  const auth = dir.join('auth');
  writeFileSync(auth, ':secret\n', { mode: 0o600 });
  options = ['--url', `rediss://${redis.address}/2`, '--auth-file', auth, '--tls-ca', ca, '-T', `${TIMEOUT}`];
  await redis.grown(TIMEOUT * 1000);
});
after(async () => {
  await redis[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

const freshLock = () => `lock-${++locks}`;
const start = (it: Scope, lock: string, more: readonly string[], command: readonly string[]) =>
  it.use(lockex([...options, '-i', lock, ...more, '--', ...command]));
const ready = (holder: Lockex) => until(() => holder.stdout === 'ready\n', 'the holder runs');
const waits = (waiter: Lockex) => until(() => /waiting: held by/.test(waiter.stderr), 'it waits');
const keys = async (lock: string) =>
  (await redis.cli('-n', '2', '--scan')).split('\n').filter((key) => key.includes(lock));

test('one runs, the other waits and runs next, and nothing is left but the counter', async (t) => {
  const it = scope(t);
  const lock = freshLock();
  const holder = await start(it, lock, [], STAYS);
  await ready(holder);
  const next = await start(it, lock, [], ['sh', '-c', 'echo "$LOCKEX_FENCING_TOKEN"']);
  await waits(next);
  assert.deepEqual(await (await start(it, lock, ['-n'], ['true'])).exited, { code: 1, signal: null });
  holder.kill('SIGTERM');
  assert.deepEqual(await next.exited, { code: 0, signal: null });
  assert.match(next.stdout, /^\d{16}\n$/);
  await holder.exited;
  assert.deepEqual(await keys(lock), []);
  assert.doesNotMatch(holder.stderr + next.stderr, /secret/);
});

test('a lockex that is killed hands over at once: its guardian gives the lock back', async (t) => {
  const it = scope(t);
  const lock = freshLock();
  const holder = await start(it, lock, [], STAYS);
  await ready(holder);
  const next = await start(it, lock, [], ['true']);
  await waits(next);
  const from = performance.now();
  holder.kill('SIGKILL');
  assert.deepEqual(await next.exited, { code: 0, signal: null });
  const took = performance.now() - from;
  assert.ok(took < (TIMEOUT * 1000) / 2, `${took} ms`);
  t.diagnostic(`from kill -9 to the end of the next command: ${Math.round(took)} ms`);
});

test('a waiting lockex that is killed is no waiter any more', async (t) => {
  const it = scope(t);
  const lock = freshLock();
  const holder = await start(it, lock, [], STAYS);
  await ready(holder);
  const waiter = await start(it, lock, [], ['true']);
  await waits(waiter);
  const from = performance.now();
  waiter.kill('SIGKILL');
  await until(async () => (await keys(lock)).length === 1, 'the holder is alone');
  assert.ok(performance.now() - from < (TIMEOUT * 1000) / 2);
  holder.kill('SIGTERM');
  await holder.exited;
});

test('lockex verify says yes while the lock is ours, and no when it is not', async (t) => {
  const it = scope(t);
  const lock = freshLock();
  const shows = ['sh', '-c', 'echo "$LOCKEX_VERIFY"; exec sleep 300'];
  const holder = await start(it, lock, [], shows);
  const evidence = await until(() => /^(\{.*\})\n/.exec(holder.stdout)?.[1], 'the command runs');
  assert.doesNotMatch(evidence, /secret/);
  const env = { LOCKEX_VERIFY: evidence, LOCKEX_AUTH_FILE: dir.join('auth'), LOCKEX_TLS_CA: ca };
  const verify = async () => (await (await it.use(lockex(['verify'], { env }))).exited).code;
  assert.equal(await verify(), 0);
  holder.kill('SIGTERM');
  await holder.exited;
  assert.equal(await verify(), 75);
});

test('a key that an admin deletes is a lost lock: the command is stopped, status 75', async (t) => {
  const it = scope(t);
  const lock = freshLock();
  const holder = await start(it, lock, [], STAYS);
  await ready(holder);
  for (const key of await keys(lock)) await redis.cli('-n', '2', 'DEL', key);
  assert.deepEqual(await holder.exited, { code: 75, signal: null });
});

test('a server that was just started is not one that can say who holds: status 69, and why', async (t) => {
  const it = scope(t);
  const young = await it.use(startRedis());
  const cron = await it.use(lockex(['--url', `redis://${young.address}`, '-n', '--', 'true']));
  assert.deepEqual(await cron.exited, { code: 69, signal: null });
  assert.match(cron.stderr, /just started and may have forgotten a lock/);
});

test('lockex verify can ask when the password stood in LOCKEX_URL', async (t) => {
  const url = `rediss://:secret@${redis.address}/2`;
  const script = `'${LOCKEX}' verify --tls-ca '${ca}' && echo ours`;
  const words = ['--tls-ca', ca, '-T', `${TIMEOUT}`, '-i', freshLock(), '--', 'sh', '-c', script];
  const it = await scope(t).use(lockex(words, { env: { LOCKEX_URL: url } }));
  assert.deepEqual(await it.exited, { code: 0, signal: null }, it.stderr);
  assert.equal(it.stdout, 'ours\n');
  assert.doesNotMatch(it.stderr, /secret/);
});
