import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { type Etcd, startEtcd } from '../helpers/etcd.js';
import { LOCKEX, lockex } from '../helpers/lockex.js';
import { type Scope, scope } from '../helpers/scope.js';
import { freshLock, running, STAYS, waiting } from './stage.js';

let etcd: Etcd;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd[Symbol.asyncDispose]());

const start = (on: Scope, lock: string, options: readonly string[], command: readonly string[]) =>
  on.use(lockex(['--url', `etcd://${etcd.hosts}`, '-i', lock, ...options, '--', ...command]));

test('--url etcd:// runs the command under a lock on etcd, with its facts in the environment, and leaves no key', async (t) => {
  const on = scope(t);
  const it = await start(
    on,
    'facts',
    ['-T', '4'],
    ['sh', '-c', 'env | grep ^LOCKEX_ | sort; "$0" verify; echo $?; exit 3', LOCKEX],
  );
  assert.deepEqual(await it.exited, { code: 3, signal: null }, it.stderr);
  assert.match(it.stdout, /LOCKEX_FENCING_TOKEN=\d+\n/);
  assert.match(it.stdout, /LOCKEX_LOCK_PATH=\/?lockex\/facts\nLOCKEX_SESSION_TIMEOUT_MS=4000\n/);
  assert.match(it.stdout, /LOCKEX_VERIFY=\{"url":"etcd:[^}]*"revision":"\d+"\}\n0\n$/);
  assert.deepEqual(await etcd.keys('/lockex/facts'), []);
});

test('of several runs one runs the command, the others wait in line, and the next starts when it ends', async (t) => {
  const [on, lock] = [scope(t), freshLock()];
  const first = await start(on, lock, [], STAYS);
  await running(first);
  const second = await start(on, lock, [], STAYS);
  await waiting(second);
  const third = await start(on, lock, [], STAYS);
  await waiting(third);
  first.kill('SIGTERM');
  await running(second);
  assert.equal(third.stdout, '');
  second.kill('SIGTERM');
  await running(third);
  third.kill('SIGTERM');
  assert.deepEqual(await third.exited, { code: 143, signal: null });
});

test('when lockex is killed the next one starts at once, and not when the time to live has passed', async (t) => {
  const [on, lock] = [scope(t), freshLock()];
  // Long enough that the end of the test shows that nobody waited for it.
  const first = await start(on, lock, ['-T', '300'], STAYS);
  await running(first);
  const second = await start(on, lock, ['-T', '300'], STAYS);
  await waiting(second);
  first.kill('SIGKILL');
  await running(second);
  second.kill('SIGTERM');
  await second.exited;
});

test('a waiting lockex that is killed leaves the line at once', async (t) => {
  const [on, lock] = [scope(t), freshLock()];
  const holder = await start(on, lock, ['-T', '300'], STAYS);
  await running(holder);
  const killed = await start(on, lock, ['-T', '300'], STAYS);
  await waiting(killed);
  const next = await start(on, lock, ['-T', '300'], STAYS);
  await waiting(next);
  killed.kill('SIGKILL');
  await killed.exited;
  holder.kill('SIGTERM');
  await running(next);
  next.kill('SIGTERM');
  await next.exited;
});

test('a waiting lockex that had to take another place in line, and is killed, leaves that at once', async (t) => {
  const [on, lock] = [scope(t), freshLock()];
  const holder = await start(on, lock, ['-T', '300'], STAYS);
  await running(holder);
  const killed = await start(on, lock, ['-T', '300'], STAYS);
  await waiting(killed);
  const second = await start(on, lock, ['-T', '300'], STAYS);
  await waiting(second);
  const line = etcd.admin.getAll().prefix(`/lockex/${lock}/`).sort('Create', 'Ascend');
  const [, place = ''] = await line.keys();
  await etcd.admin.delete().key(place);
  const places = () => killed.logs.filter(({ place }) => place !== undefined).map(({ place }) => place);
  await until(() => places().at(-1) === 2, 'it stands behind the other one');
  const third = await start(on, lock, ['-T', '300'], STAYS);
  await waiting(third);
  killed.kill('SIGKILL');
  await killed.exited;
  for (const [last, next] of [
    [holder, second],
    [second, third],
  ] as const) {
    last.kill('SIGTERM');
    await running(next);
  }
  third.kill('SIGTERM');
  await third.exited;
});

test('--hold keeps the lock for its time although lockex was killed', async (t) => {
  const [on, lock] = [scope(t), freshLock()];
  const first = await start(on, lock, ['-T', '300', '--hold', '3'], STAYS);
  await running(first);
  const begun = performance.now();
  first.kill('SIGKILL');
  await first.exited;
  await until(async () => (await etcd.keys(`/lockex/${lock}`)).length === 1, 'only the hold is left');
  const once = await start(on, lock, ['--once'], ['true']);
  assert.deepEqual(await once.exited, { code: 1, signal: null });
  const second = await start(on, lock, [], ['true']);
  assert.deepEqual(await second.exited, { code: 0, signal: null });
  assert.ok(performance.now() - begun > 2500);
  await until(async () => (await etcd.keys(`/lockex/${lock}`)).length === 0, 'nothing is left');
});

test('a server that is not there is status 69, with its address named', async (t) => {
  const on = scope(t);
  const it = await on.use(lockex(['--url', 'etcd://127.0.0.1:1', '-T', '2', '--', 'true']));
  assert.deepEqual(await it.exited, { code: 69, signal: null });
  assert.match(it.stderr, /no etcd session: 127\.0\.0\.1:1: .*ECONNREFUSED/);
});
