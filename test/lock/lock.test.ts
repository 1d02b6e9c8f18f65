import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { Contender } from '../../src/backend/contract.js';
import type { HeldLease } from '../../src/lock/held-lease.js';
import type { Lock } from '../../src/lock/lock.js';
import { until } from '../../src/testing/until.js';
import {
  LeaseLostError,
  LockNotAcquiredError,
  LockTimeoutError,
  SessionLostError,
  UsageError,
  WrongKindError,
} from '../../src/util/errors.js';
import { MemoryLocks } from './kit.js';

/** Begins to wait, and sees to it that it does. */
async function waiting(lock: Lock): Promise<{ readonly lease: Promise<HeldLease> }> {
  const told: (readonly Contender[])[] = [];
  const acquiring = lock.acquire({ onQueue: (contenders) => told.push(contenders) });
  acquiring.catch(() => {});
  await until(() => told.length > 0, 'it waits');
  return { lease: acquiring };
}

test('two lock objects of one name exclude each other, in one program as in two', async () => {
  await using memory = new MemoryLocks();
  const [here, there] = [memory.connect(), memory.connect()];
  for (const other of [here, there]) {
    const first = here.lock('backup');
    const second = other.lock('backup');
    await first.acquire();
    assert.equal(first.owned, true);
    assert.equal(await second.tryAcquire(), undefined);
    assert.equal(await second.locked(), true);
    const later = await waiting(second);
    await first.release();
    assert.equal(first.owned, false);
    assert.equal((await later.lease).owned, true);
    await second.release();
    assert.equal(await first.locked(), false);
  }
});

test('a lock is namespace/name, in the namespace of the command line if none is said', async () => {
  await using memory = new MemoryLocks();
  assert.equal(memory.connect().lock('backup').resource, 'lockex/backup');
  assert.equal(memory.connect({ namespace: 'shop/eu' }).lock('a/b').resource, 'shop/eu/a/b');
  assert.throws(() => memory.connect().lock('a//b'), UsageError);
  // @ts-expect-error: what a variable that is not set gives a program without type checks
  assert.throws(() => memory.connect().lock(undefined), /^UsageError: name: .*got undefined: it is no text$/);
  assert.throws(() => memory.connect({ namespace: 'zookeeper' }), /namespace: .*"zookeeper"/);
});

test('one lock object is one contender: who acquires it twice is told so at once, and does not wait for himself', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const lock = locks.lock('a');
  await lock.acquire();
  await assert.rejects(
    lock.acquire(),
    /expected a lock object that is not in use, got one that holds its lock/,
  );
  await assert.rejects(lock.tryAcquire(), UsageError);
  const other = locks.lock('a');
  const acquiring = await waiting(other);
  await assert.rejects(other.acquire(), /that is not in use, got one that is being acquired/);
  await lock.release();
  await acquiring.lease;
});

test('giving back what is not held does nothing, however often', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const [mine, theirs] = [locks.lock('a'), locks.lock('a')];
  await mine.release();
  await mine.acquire();
  await Promise.all([mine.release(), mine.release()]);
  await theirs.acquire();
  await mine.release();
  assert.equal(theirs.owned, true);
});

test('a lock object can be acquired again and again, and each grant has a greater fencing token', async () => {
  await using memory = new MemoryLocks();
  const lock = memory.connect().lock('a');
  let last = 0n;
  for (let round = 0; round < 50; round += 1) {
    const lease = await lock.acquire();
    assert.ok((lease.fencingToken ?? 0n) > last);
    assert.equal(lock.fencingToken, lease.fencingToken);
    last = lease.fencingToken ?? 0n;
    await lock.release();
    assert.equal(lock.fencingToken, undefined);
    assert.equal(lease.remainingMs, 0);
  }
});

test('who waits no longer than his timeout is told so, and leaves no contender behind', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect({ timeout: '20ms' });
  await using holder = locks.lock('a');
  await holder.acquire();
  const waiter = locks.lock('a');
  const timedOut = (error: unknown) =>
    error instanceof LockTimeoutError &&
    error instanceof LockNotAcquiredError &&
    /0\.02 s/.test(error.message);
  await assert.rejects(waiter.acquire(), timedOut);
  await assert.rejects(waiter.acquire({ timeout: '20ms' }), timedOut);
  assert.equal((await waiter.contenders()).length, 1);
  await assert.rejects(waiter.acquire({ timeout: 0 }), (error) => {
    return error instanceof LockNotAcquiredError && !(error instanceof LockTimeoutError);
  });
});

test('who gives up leaves with his own reason and no contender behind, and a signal keeps no listener', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const holder = locks.lock('a');
  await holder.acquire();
  const controller = new AbortController();
  const waiter = locks.lock('a');
  const acquiring = waiter.acquire({ signal: controller.signal });
  await until(async () => (await holder.contenders()).length === 2, 'it waits');
  const reason = new Error('I have to go');
  controller.abort(reason);
  await assert.rejects(acquiring, (error) => error === reason);
  assert.equal((await holder.contenders()).length, 1);
  await assert.rejects(waiter.acquire({ signal: controller.signal }), (error) => error === reason);
  const lasting = new AbortController();
  for (let round = 0; round < 50; round += 1) {
    assert.equal(await waiter.tryAcquire({ signal: lasting.signal }), undefined);
  }
  assert.equal(getEventListeners(lasting.signal, 'abort').length, 0);
});

test('await using gives the lock back, and ends a wait', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  {
    await using lease = await locks.lock('a').acquire();
    assert.equal(lease.owned, true);
  }
  const holder = locks.lock('a');
  assert.equal(await holder.locked(), false);
  await holder.acquire();
  const left: Promise<unknown>[] = [];
  {
    await using waiter = locks.lock('a');
    left.push((await waiting(waiter)).lease);
  }
  await assert.rejects(Promise.all(left), LockNotAcquiredError);
  assert.equal((await holder.contenders()).length, 1);
});

test('a semaphore has as many holders as permits; another number of them is refused', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const permits = [1, 2, 3].map(() => locks.semaphore('pool', 2));
  await permits[0]?.acquire();
  await permits[1]?.acquire();
  assert.equal(await permits[2]?.tryAcquire(), undefined);
  await assert.rejects(locks.semaphore('pool', 3).tryAcquire(), WrongKindError);
  await assert.rejects(locks.lock('pool').acquire(), WrongKindError);
  await permits[0]?.release();
  assert.ok(await permits[2]?.tryAcquire());
});

test('readers share a lock, and exclude a writer', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const [one, two, writer] = [locks.shared('data'), locks.shared('data'), locks.lock('data')];
  await Promise.all([one.acquire(), two.acquire()]);
  assert.equal(await writer.tryAcquire(), undefined);
  await Promise.all([one.release(), two.release()]);
  assert.ok(await writer.tryAcquire());
});

test('hold runs the work under the lock, hands it the lease, returns what it returns, and gives the lock back', async () => {
  await using memory = new MemoryLocks();
  const lock = memory.connect().lock('a');
  const result = await lock.hold(async (lease) => {
    assert.equal(lease.owned, true);
    assert.equal(lease.lost.aborted, false);
    assert.equal(lease.remainingMs, Number.POSITIVE_INFINITY);
    return 42;
  });
  assert.equal(result, 42);
  const failure = new Error('the work failed');
  await assert.rejects(
    lock.hold(() => Promise.reject(failure)),
    (error) => error === failure,
  );
  assert.equal(await lock.locked(), false);
});

test('work whose lease is lost hears of it, and hold tells of the loss once the work has settled', async () => {
  await using memory = new MemoryLocks();
  const lock = memory.connect().lock('a');
  let settled = false;
  const heeding = lock.hold(async (lease) => {
    await memory.expire();
    assert.equal(lease.lost.aborted, true);
    assert.equal(lease.owned, false);
    await new Promise((resolve) => setImmediate(resolve));
    settled = true;
    return 'too late';
  });
  await assert.rejects(heeding, (error) => error instanceof LeaseLostError && settled);
  const failure = new Error('because of the loss');
  const failing = lock.hold(async () => {
    await memory.expire();
    throw failure;
  });
  await assert.rejects(failing, (error) => error instanceof LeaseLostError && error.cause === failure);
  const obeying = lock.hold(async (lease) => {
    await memory.expire();
    lease.lost.throwIfAborted();
  });
  await assert.rejects(obeying, (error) => error instanceof LeaseLostError && error.cause === undefined);
});

test('lost is that of the last lease; before the first there is none to ask', async () => {
  await using memory = new MemoryLocks();
  const lock = memory.connect().lock('a');
  assert.throws(() => lock.lost, UsageError);
  await lock.acquire();
  assert.equal(lock.lost.aborted, false);
  await memory.expire();
  assert.ok(lock.lost.reason instanceof LeaseLostError);
  assert.equal(lock.owned, false);
  assert.ok(lock.fencingToken, 'what it protects can still refuse it');
});

test('a session that has ended is replaced by the next use; a lease that was lost is given back by it', async () => {
  await using memory = new MemoryLocks();
  const lock = memory.connect().lock('a');
  await lock.acquire();
  await memory.expire();
  await lock.acquire();
  assert.equal(lock.owned, true);
  assert.equal(memory.sessions.length, 2);
});

test('who loses the place in line with the session is told so, and gets another place with the next call', async () => {
  await using memory = new MemoryLocks();
  const holder = memory.connect().lock('a');
  await holder.acquire();
  const waiter = memory.connect().lock('a');
  const place = await waiting(waiter);
  await memory.expire();
  await assert.rejects(place.lease, SessionLostError);
  const again = await waiting(waiter);
  assert.equal(memory.sessions.length, 3);
  await holder.release();
  assert.equal((await again.lease).owned, true);
});
