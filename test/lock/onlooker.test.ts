import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { MemoryLocks } from './kit.js';

const failure = new Error('the display is broken');
const fails = () => {
  throw failure;
};
const isFailure = (error: unknown) => error === failure;

test('what onQueue throws ends the wait that it looks on, and leaves no contender behind', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const holder = locks.lock('a');
  await holder.acquire();
  await assert.rejects(locks.lock('a').acquire({ onQueue: fails }), isFailure);
  assert.equal((await holder.contenders()).length, 1);
});

test('what onQueue throws when the line has changed harms nobody else: a release never rejects', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const [holder, next, last] = [locks.lock('a'), locks.lock('a'), locks.lock('a')];
  await holder.acquire();
  const coming = next.acquire();
  await until(async () => (await holder.contenders()).length === 2, 'the next one waits');
  let told = 0;
  const waiting = last.acquire({ onQueue: () => (told++ === 0 ? undefined : fails()) });
  waiting.catch(() => {});
  await until(() => told === 1, 'the last one waits');
  await holder.release();
  assert.equal((await coming).owned, true);
  await assert.rejects(waiting, isFailure);
  assert.equal((await next.contenders()).length, 1);
});

test('what onQueue throws is thrown by run, whose command is not started', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  await using holder = locks.lock('job');
  await holder.acquire();
  await assert.rejects(locks.run('true', [], { lock: 'job', onQueue: fails }), isFailure);
  assert.equal((await holder.contenders()).length, 1);
});

test('who gives up when he is told whom he waits for leaves no contender behind', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const holder = locks.lock('a');
  await holder.acquire();
  const stop = new AbortController();
  const waiting = locks.lock('a').acquire({ signal: stop.signal, onQueue: () => stop.abort(failure) });
  await assert.rejects(waiting, isFailure);
  assert.equal((await holder.contenders()).length, 1);
});
