import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { connect } from '../../src/lock/locks.js';
import { lockIdOf } from '../../src/supervisor/lock-id.js';
import { until } from '../../src/testing/until.js';
import { CommandError, LockNotAcquiredError, LockTimeoutError, UsageError } from '../../src/util/errors.js';
import { alive } from '../helpers/processes.js';
import { tempDir } from '../helpers/temp.js';
import { MemoryLocks } from './kit.js';

test('run runs a command under the lock that the command line would take, and tells how it ended', async () => {
  await using memory = new MemoryLocks();
  await using dir = await tempDir('run');
  const locks = memory.connect();
  const args = ['-c', `env > ${dir.join('env')}; exit 7`];
  const outcome = await locks.run('sh', args);
  assert.deepEqual(outcome, { how: 'command-ended', status: { how: 'exited', code: 7 } });
  const env = readFileSync(dir.join('env'), 'utf8');
  assert.match(env, new RegExp(`^LOCKEX_LOCK_PATH=/lockex/${lockIdOf(['sh', ...args])}$`, 'm'));
  assert.match(env, /^LOCKEX_FENCING_TOKEN=\d+$/m);
  assert.deepEqual(memory.service.resources, []);
});

test('run and a lock object of the same name exclude each other', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  await using lease = await locks.lock('job').acquire();
  assert.equal(lease.owned, true);
  await assert.rejects(locks.run('true', [], { lock: 'job', timeout: 0 }), LockNotAcquiredError);
  await assert.rejects(locks.run('true', [], { lock: 'job', timeout: 20 }), LockTimeoutError);
  const semaphore = await locks.run('true', [], { lock: 'pool', permits: 2 });
  assert.equal(semaphore.how, 'command-ended');
});

test('a signal that aborts stops the command, all of its tree, and run tells so when that is gone', async () => {
  await using memory = new MemoryLocks();
  await using dir = await tempDir('run');
  const locks = memory.connect();
  const stop = new AbortController();
  // A daemon that left, and a command that does not heed SIGTERM.
  const script = `trap '' TERM; setsid sleep 1000 & echo $! > ${dir.join('pid')}; mv ${dir.join('pid')} ${dir.join('ready')}; while :; do sleep 1000; done`;
  const before = process.listenerCount('SIGTERM') + process.listenerCount('SIGINT');
  const running = locks.run('sh', ['-c', script], { lock: 'job', signal: stop.signal, killAfter: 200 });
  await until(() => existsSync(dir.join('ready')), 'it runs');
  assert.equal(process.listenerCount('SIGTERM') + process.listenerCount('SIGINT'), before);
  const pid = Number(readFileSync(dir.join('ready'), 'utf8'));
  assert.equal(alive(pid), true);
  stop.abort();
  assert.deepEqual(await running, { how: 'told-to-stop', by: 'SIGTERM' });
  assert.equal(alive(pid), false);
});

test('a signal that aborts ends the wait for the lock; one that aborted before starts nothing', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const holder = locks.lock('job');
  await holder.acquire();
  const stop = new AbortController();
  const running = locks.run('true', [], { lock: 'job', signal: stop.signal });
  await until(async () => (await holder.contenders()).length === 2, 'it waits');
  stop.abort();
  assert.equal((await running).how, 'told-to-stop');
  await holder.release();
  assert.equal((await locks.run('true', [], { lock: 'job', signal: stop.signal })).how, 'told-to-stop');
  assert.deepEqual(memory.service.resources, []);
});

test('close stops the commands, and waits until they are gone', async () => {
  await using memory = new MemoryLocks();
  await using dir = await tempDir('run');
  const locks = memory.connect();
  const running = locks.run('sh', ['-c', `touch ${dir.join('ready')}; exec sleep 1000`]);
  await until(() => existsSync(dir.join('ready')), 'it runs');
  let gone = false;
  running.then(() => {
    gone = true;
  });
  await locks.close();
  assert.equal(gone, true);
  assert.deepEqual(await running, { how: 'told-to-stop', by: 'SIGTERM' });
});

test('a command that is told to stop twice, by its signal and by close, is given its time', async () => {
  await using memory = new MemoryLocks();
  await using dir = await tempDir('run');
  const locks = memory.connect();
  const stop = new AbortController();
  const script = `trap 'touch ${dir.join('told')}; sleep 0.5; touch ${dir.join('clean')}; exit 0' TERM; touch ${dir.join('ready')}; while :; do sleep 0.1; done`;
  const running = locks.run('sh', ['-c', script], { signal: stop.signal, killAfter: '1m' });
  await until(() => existsSync(dir.join('ready')), 'it runs');
  stop.abort();
  await until(() => existsSync(dir.join('told')), 'it is told');
  await locks.close();
  await running;
  assert.ok(existsSync(dir.join('clean')), 'it was not killed');
});

test('a backend of one’s own is open still when run has made use of it', async () => {
  const backend = new MemoryBackend(new MemoryService());
  await using locks = await connect(backend);
  const outcome = await locks.run('true');
  assert.equal(outcome.how, 'command-ended');
  assert.ok(await locks.lock('a').tryAcquire());
  await locks.close();
  await backend[Symbol.asyncDispose]();
});

test('a command whose lock is lost is stopped, and run tells of the loss', async () => {
  await using memory = new MemoryLocks();
  await using dir = await tempDir('run');
  const locks = memory.connect();
  const running = locks.run('sh', ['-c', `touch ${dir.join('ready')}; exec sleep 1000`]);
  await until(() => existsSync(dir.join('ready')), 'it runs');
  await memory.expire();
  const outcome = await running;
  assert.equal(outcome.how === 'lease-lost' && outcome.error.lossCause, 'expired');
});

test('what cannot be started, and what is no option, is thrown', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  await assert.rejects(locks.run('/no/such/program'), CommandError);
  await assert.rejects(locks.run('true', [], { lock: 'a//b' }), UsageError);
  await assert.rejects(locks.run('true', [], { killAfter: -1 }), /killAfter/);
  assert.deepEqual(memory.service.resources, []);
});

test('what the types refuse is refused before anything is started, and not when it is too late', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  // A JavaScript program may say it.
  const wrong: readonly (readonly [readonly unknown[], RegExp])[] = [
    [['true', [], { stopSignal: 'TERM' }], /^stopSignal: expected a signal such as 'SIGTERM', got "TERM"$/],
    [['true', [], { isolation: 'jail' }], /^isolation: expected one of 'cgroup', .*, got "jail"$/],
    [['true', [], { attempts: Number.NaN }], /^attempts: expected a number from 1, or Infinity, got NaN$/],
    [['true', [], { attempts: 0 }], /^attempts: .* got 0$/],
    [[undefined], /^command: expected a text, got undefined$/],
    [['true', ['-c', null]], /^arguments: expected texts, got \["-c",null\]$/],
    [['true', '-c'], /^arguments: /],
  ];
  for (const [args, message] of wrong) {
    await assert.rejects(
      () => Reflect.apply(locks.run, locks, args),
      (error) => error instanceof UsageError && message.test(error.message),
      String(message),
    );
  }
  assert.equal(memory.sessions.length, 0);
});
