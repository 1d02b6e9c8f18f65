import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { keyOf } from '../../src/backend/memcached/key.js';
import { until } from '../../src/testing/until.js';
import { type Lockex, lockex } from '../helpers/lockex.js';
import { type Memcached, startMemcached } from '../helpers/memcached.js';
import { scope } from '../helpers/scope.js';
import { running, STAYS, waiting } from './stage.js';

const T = 6;
let memcached: Memcached;
before(async () => {
  memcached = await startMemcached();
  await memcached.settled(T * 1000);
});
after(() => memcached[Symbol.asyncDispose]());

/** As a user of distmutex has it in the environment. */
function distmutex(
  t: TestContext,
  key: string,
  options: readonly string[],
  command: readonly string[],
): Promise<Lockex> {
  const env = { MEMCACHE_SERVERS: memcached.address, MEMCACHE_KEY: key };
  return scope(t).use(lockex(['-T', String(T), ...options, '--', ...command], { env }));
}

test('MEMCACHE_SERVERS and MEMCACHE_KEY of distmutex choose the service and the lock', async (t) => {
  const it = await distmutex(t, 'job', [], STAYS);
  await running(it);
  assert.match(
    String(it.logs[0]?.['msg']),
    /lock lockex\/job .*at memcached:\/\/127\.0\.0\.1:\d+ \(MEMCACHE_SERVERS\)/,
  );
  assert.notEqual(await memcached.get(keyOf('lockex/job')), undefined);
  const once = await distmutex(t, 'job', ['--once'], ['echo', 'never']);
  assert.deepEqual([(await once.exited).code, once.stdout], [1, '']);
  const next = await distmutex(t, 'job', [], ['echo', 'next']);
  await waiting(next);
  it.kill('SIGTERM');
  assert.equal((await it.exited).code, 143);
  assert.deepEqual([(await next.exited).code, next.stdout], [0, 'next\n']);
  assert.equal(await memcached.get(keyOf('lockex/job')), undefined);
});

test('the first line names the service and who chose it, before a word about a server that was just started', async (t) => {
  await using young = await startMemcached();
  const it = await scope(t).use(lockex(['--url', `memcached://${young.address}`, '--once', '--', 'true']));
  assert.equal((await it.exited).code, 69);
  const [first, second] = it.logs.map(({ msg }) => String(msg));
  assert.match(first ?? '', /^lock .* at memcached:\/\/127\.0\.0\.1:\d+ \(--url\)/);
  assert.match(second ?? '', /was started a short while ago/);
});

test('lockex verify asks memcached whether the lock is still ours', async (t) => {
  const it = await distmutex(t, 'verified', [], ['sh', '-c', 'echo "$LOCKEX_VERIFY"; exec sleep 300']);
  const evidence = await until(() => /^(\{.*\})\n/.exec(it.stdout)?.[1], 'the command runs');
  const verify = async () => {
    const asking = await scope(t).use(lockex(['verify'], { env: { LOCKEX_VERIFY: evidence } }));
    return [(await asking.exited).code, asking.stderr];
  };
  assert.deepEqual(await verify(), [0, '']);
  await memcached.delete(keyOf('lockex/verified'));
  assert.deepEqual(await verify(), [75, 'lockex: verify: the lock is not ours any more\n']);
  assert.equal((await it.exited).code, 75);
});

test('a holder killed with kill -9 is followed by the next one after the timeout, when its command is dead', async (t) => {
  const it = await distmutex(t, 'crashed', [], STAYS);
  const command = await running(it);
  const next = await distmutex(
    t,
    'crashed',
    [],
    ['sh', '-c', `kill -0 ${command} 2>/dev/null && echo alive || echo dead`],
  );
  await waiting(next);
  it.kill('SIGKILL');
  await next.exited;
  assert.equal(next.stdout, 'dead\n');
});
