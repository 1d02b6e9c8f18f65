import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim } from '../../src/backend/contract.js';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { entitled, type Place } from '../../src/backend/memory/queue.js';
import { LeaseLostError, SessionLostError } from '../../src/util/errors.js';
import { ManualClock } from '../helpers/manual-clock.js';

const never = new AbortController().signal;

function claim(resource = 'r'): Claim {
  return { resource, permits: 1, mode: 'exclusive', identity: { host: 'h', pid: 1, command: 'c' } };
}

/** A queue as a word: `W` a writer, `R` a reader. The answer is how many of the first may hold. */
function holders(word: string, permits = 1): number {
  const queue = [...word].map(
    (letter): Place => ({ mode: letter === 'W' ? 'exclusive' : 'shared', state: 'waiting' }),
  );
  const chosen = entitled(queue, permits);
  assert.deepEqual(chosen, queue.slice(0, chosen.length));
  return chosen.length;
}

test('a writer holds alone, readers hold together, and nobody overtakes', () => {
  const expected = { '': 0, W: 1, WW: 1, WR: 1, R: 1, RR: 2, RRW: 2, RRWR: 2, RWRR: 1 };
  const got = Object.fromEntries(Object.keys(expected).map((word) => [word, holders(word)]));
  assert.deepEqual(got, expected);
});

test('a semaphore is held by as many of the first as there are permits', () => {
  assert.deepEqual([holders('W', 3), holders('WWW', 3), holders('WWWWW', 3)], [1, 3, 3]);
});

test('an expired session loses its leases and its places, and the next are served', async () => {
  const clock = new ManualClock();
  clock.advance(70);
  const service = new MemoryService(clock);
  const [a, b] = [new MemoryBackend(service), new MemoryBackend(service)];
  const lease = await a.acquire(claim(), never);
  const behind = a.acquire(claim(), never);
  const next = b.acquire(claim(), never);
  service.expire(a);
  assert.ok(lease.lost.reason instanceof LeaseLostError);
  assert.equal(lease.lost.reason.lossCause, 'expired');
  assert.equal(lease.deadline(), 70);
  await assert.rejects(behind, SessionLostError);
  const granted = await next;
  await lease.release();
  assert.equal(service.contenders('r', b).length, 1);
  await granted.release();
  assert.deepEqual(service.resources, []);
});

test('fencing tokens rise over all resources of a service', async () => {
  const backend = new MemoryBackend(new MemoryService());
  const tokens = [];
  for (const resource of ['r', 's', 'r', 't']) {
    const lease = await backend.acquire(claim(resource), never);
    tokens.push(lease.fencingToken);
    await lease.release();
  }
  assert.deepEqual(tokens, [1n, 2n, 3n, 4n]);
});

test('one who looks whether a lock is free does not make those in line look up', async () => {
  const service = new MemoryService();
  const [a, b] = [new MemoryBackend(service), new MemoryBackend(service)];
  const lease = await a.acquire(claim(), never);
  let told = 0;
  const onQueue = () => {
    told += 1;
  };
  const waiting = b.acquire({ ...claim(), onQueue }, never);
  assert.equal(await a.tryAcquire(claim(), never), undefined);
  assert.equal(told, 1);
  await lease.release();
  await (await waiting).release();
});

test('a minimum hold that nobody waits for needs no timer, and has passed to the millisecond', async () => {
  const clock = new ManualClock();
  const service = new MemoryService(clock);
  const backend = new MemoryBackend(service);
  const lease = await backend.acquire({ ...claim(), holdMs: 50 }, never);
  clock.advance(20);
  await lease.release();
  assert.equal(clock.timers, 0);
  clock.advance(29);
  assert.equal(await backend.tryAcquire(claim(), never), undefined);
  assert.deepEqual(service.resources, ['r']);
  clock.advance(1);
  assert.deepEqual(service.resources, []);
  const next = await backend.tryAcquire(claim(), never);
  assert.ok(next);
  await next.release();
});

test('a waiter is granted the permit when a minimum hold has passed, and its timer goes when it leaves', async () => {
  const clock = new ManualClock();
  const service = new MemoryService(clock);
  const backend = new MemoryBackend(service);
  await (await backend.acquire({ ...claim(), holdMs: 50 }, never)).release();
  const leaving = new AbortController();
  const left = backend.acquire(claim(), leaving.signal);
  assert.equal(clock.timers, 1);
  leaving.abort();
  await assert.rejects(left);
  assert.equal(clock.timers, 0);
  const waiting = backend.acquire(claim(), never);
  clock.advance(50);
  await (await waiting).release();
  assert.deepEqual([service.resources, clock.timers], [[], 0]);
});

test('who leaves at the moment of the grant leaves no minimum hold behind', async () => {
  const backend = new MemoryBackend(new MemoryService());
  const lease = await backend.acquire(claim(), never);
  const leaving = new AbortController();
  const waiting = backend.acquire({ ...claim(), holdMs: 60_000 }, leaving.signal);
  const released = lease.release();
  leaving.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  await released;
  const next = await backend.tryAcquire(claim(), never);
  assert.ok(next);
  await next.release();
});
