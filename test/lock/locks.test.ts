import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim } from '../../src/backend/contract.js';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { connect, Locks } from '../../src/lock/locks.js';
import type { ConnectOptions } from '../../src/lock/options.js';
import { until } from '../../src/testing/until.js';
import {
  LeaseLostError,
  ServiceUnreachableError,
  SessionLostError,
  UsageError,
} from '../../src/util/errors.js';
import { freePort } from '../helpers/ports.js';
import { MemoryLocks } from './kit.js';

const CLAIM: Claim = {
  resource: 'lockex/a',
  permits: 1,
  mode: 'exclusive',
  identity: { host: 'host.example', pid: 1, command: 'serve' },
};

test('connect takes a URL; memory: is one service for the whole process', async () => {
  await using here = await connect('memory:locks-test');
  await using there = await connect('memory:locks-test');
  await here.lock('a').acquire();
  assert.equal(await there.lock('a').tryAcquire(), undefined);
});

test('connect takes a backend of one’s own, which whoever made it closes', async () => {
  const service = new MemoryService();
  const backend = new MemoryBackend(service);
  const locks = await connect(backend);
  await locks.lock('a').acquire();
  await locks.close();
  assert.deepEqual(service.resources, [], 'the lock was given back');
  await using again = await connect(backend);
  assert.ok(await again.lock('a').tryAcquire(), 'the backend is open still');
  await backend[Symbol.asyncDispose]();
});

test('options that cannot be used are refused before anything is opened, and the message names them', async () => {
  const refused: readonly (readonly [string, ConnectOptions, RegExp])[] = [
    ['nowhere', {}, /expected a URL that begins with one of .*zk:/],
    ['zk://', {}, /./],
    // @ts-expect-error: what a variable that is not set gives a program without type checks
    [undefined, {}, /^expected a URL, a client, a backend or a function that opens one, got undefined$/],
    [
      'zk://a',
      { ttl: 0 },
      /^ttl: expected milliseconds from 1, or a text such as '500ms', '15s', '2m', got 0$/,
    ],
    // What the types refuse, a JavaScript program may say.
    ['zk://a', { ttl: '15' as '15s' }, /^ttl: .* got "15"$/],
    ['zk://a', { ttl: '4s', lossGrace: '3s' }, /3 s does not fit into a session timeout of 4 s/],
    // @ts-expect-error: as above
    ['zk://a', { namespace: null }, /^namespace: .*got null: it is no text$/],
    ['zk://a', { timeout: -1 }, /^timeout: /],
    ['zk://a', { login: 'nobody' }, /^login: expected user:password/],
    ['zk://a', { acl: 'creator' }, /^acl: expected a login/],
    ['memory:', { login: 'a:b' }, /^login: expected a service that takes it, got memory/],
    ['file:///tmp', { tls: {} }, /^tls: /],
  ];
  for (const [url, options, message] of refused) {
    await assert.rejects(connect(url, options), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  }
});

test('a service that is not there is out of reach within the time given, and a signal gives up at once', async () => {
  const url = `zk://127.0.0.1:${await freePort()}`;
  await assert.rejects(connect(url, { connectTimeout: 100 }), ServiceUnreachableError);
  const reason = new Error('no more');
  const signal = AbortSignal.abort(reason);
  await assert.rejects(connect(url, { signal }), (error) => error === reason);
});

test('a backend of one’s own that does not come in time is out of reach, whether it heeds its signal or not; one that comes too late is closed', async () => {
  const late: ((backend: MemoryBackend) => void)[] = [];
  const never = () => new Promise<MemoryBackend>((resolve) => late.push(resolve));
  await assert.rejects(connect(never, { connectTimeout: 20 }), (error) => {
    return error instanceof ServiceUnreachableError && error.message === 'no session within 0.02 s';
  });
  const reason = new Error('no more');
  const stop = new AbortController();
  const connecting = connect(never, { signal: stop.signal });
  await until(() => late.length === 2, 'it is asked for');
  stop.abort(reason);
  await assert.rejects(connecting, (error) => error === reason);
  for (const come of late) {
    const backend = new MemoryBackend(new MemoryService());
    come(backend);
    await until(async () => {
      const lease = await backend.tryAcquire(CLAIM, new AbortController().signal).catch((error) => error);
      return lease instanceof SessionLostError;
    }, 'it is closed');
  }
  const failure = new Error('of its own');
  await assert.rejects(
    connect(() => {
      throw failure;
    }),
    (error) => error === failure,
  );
});

test('who connected once and could not may try again: nothing of the failure stays', async () => {
  const service = new MemoryService();
  let broken = true;
  await using locks = new Locks(async () => {
    if (broken) throw new ServiceUnreachableError('not yet');
    return new MemoryBackend(service);
  });
  await assert.rejects(locks.lock('a').acquire(), ServiceUnreachableError);
  broken = false;
  assert.ok(await locks.lock('a').tryAcquire());
});

test('all that ask at once share one session', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  await Promise.all(['a', 'b', 'c'].map((name) => locks.lock(name).acquire()));
  assert.equal(memory.sessions.length, 1);
});

test('close gives back what is held, says so to its holder, rejects who waits, and refuses what comes later', async () => {
  await using memory = new MemoryLocks();
  const [locks, others] = [memory.connect(), memory.connect()];
  await others.lock('b').acquire();
  const lease = await locks.lock('a').acquire();
  const waiter = locks.lock('b');
  const acquiring = waiter.acquire();
  acquiring.catch(() => {});
  await until(async () => (await others.lock('b').contenders()).length === 2, 'it waits');
  await locks.close();
  await locks.close();
  assert.ok(lease.lost.reason instanceof LeaseLostError);
  assert.equal(lease.owned, false);
  await assert.rejects(acquiring, /locks that are open/);
  await assert.rejects(waiter.acquire(), /locks that are open/);
  await assert.rejects(locks.run('true'), /locks that are open/);
  assert.equal(await others.lock('a').locked(), false);
  assert.equal((await others.lock('b').contenders()).length, 1);
});

test('close waits for work under a lock before it gives that lock to anybody else', async () => {
  await using memory = new MemoryLocks();
  const [locks, others] = [memory.connect(), memory.connect()];
  const finish = new AbortController();
  let told = false;
  const holding = locks.lock('a').hold(async (lease) => {
    lease.lost.addEventListener('abort', () => {
      told = true;
    });
    await until(() => finish.signal.aborted, 'the work may end');
  });
  await until(() => others.lock('a').locked(), 'it holds');
  let closed = false;
  const closing = locks.close().then(() => {
    closed = true;
  });
  await until(() => told, 'the work hears of it');
  assert.equal(await others.lock('a').tryAcquire(), undefined, 'nobody else has the lock while it works');
  assert.equal(closed, false);
  finish.abort();
  await assert.rejects(holding, LeaseLostError);
  await closing;
  assert.ok(await others.lock('a').tryAcquire());
});

test('work that close is not told of (acquire) finds its lock given away, as all would if close did not wait', async () => {
  await using memory = new MemoryLocks();
  const [locks, others] = [memory.connect(), memory.connect()];
  const lease = await locks.lock('a').acquire();
  await locks.close();
  assert.ok(await others.lock('a').tryAcquire());
  assert.equal(lease.owned, false, 'but it is told');
});
