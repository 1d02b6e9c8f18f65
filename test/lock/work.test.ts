import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from '../../src/backend/contract.js';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { Locks } from '../../src/lock/locks.js';
import { until } from '../../src/testing/until.js';
import { LeaseLostError, LockNotAcquiredError, SessionLostError } from '../../src/util/errors.js';
import { MemoryLocks } from './kit.js';

/** A backend of somebody's own, whose leases are altered in one place. */
class Altered extends MemoryBackend {
  constructor(
    private readonly own: MemoryService,
    private readonly alter: (lease: Lease, own: Altered) => Lease,
  ) {
    super(own);
  }

  override async acquire(...args: Parameters<MemoryBackend['acquire']>): Promise<Lease> {
    return this.alter(await super.acquire(...args), this);
  }

  expire(): void {
    this.own.expire(this);
  }
}

test('work that closes the locks as the first thing that it does keeps its lock until it has settled', async () => {
  await using memory = new MemoryLocks();
  const [locks, others] = [memory.connect(), memory.connect()];
  const finish = new AbortController();
  const holding = locks.lock('a').hold(async () => {
    void locks.close();
    await until(() => finish.signal.aborted, 'the work may end');
  });
  holding.catch(() => {});
  await until(() => others.lock('a').locked(), 'it holds');
  // As long as a close waits for a service that does not answer, and longer.
  const end = performance.now() + 700;
  await until(async () => {
    assert.equal(await others.lock('a').tryAcquire(), undefined);
    return performance.now() > end;
  }, 'the work goes on');
  finish.abort();
  await assert.rejects(holding, LeaseLostError);
  assert.ok(await others.lock('a').acquire());
});

test('work whose lease is lost before it begins is not begun', async () => {
  let began = false;
  await using locks = new Locks(
    new Altered(new MemoryService(), (lease, own) => {
      own.expire();
      return lease;
    }),
  );
  const holding = locks.lock('a').hold(() => {
    began = true;
  });
  await assert.rejects(holding, LeaseLostError);
  assert.equal(began, false);
});

test('work whose lock is given back before it begins is not begun', async () => {
  await using memory = new MemoryLocks();
  const lock = memory.connect().lock('a');
  let began = false;
  const holding = lock.hold(() => {
    began = true;
  });
  holding.catch(() => {});
  while (!lock.owned) await null;
  await lock.release();
  await assert.rejects(holding, LockNotAcquiredError);
  assert.equal(began, false);
});

test('a backend that only says so when it is asked is believed: hold and lost tell of the loss', async () => {
  let overdue = false;
  const never = new AbortController().signal;
  await using locks = new Locks(
    new Altered(
      new MemoryService(),
      (lease) =>
        new Proxy(lease, {
          get: (target, name) => {
            if (name === 'isLost') return () => overdue;
            if (name === 'lost') return never;
            const value: unknown = Reflect.get(target, name, target);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        }),
    ),
  );
  const lock = locks.lock('a');
  const holding = lock.hold(async () => {
    overdue = true;
    return 'done';
  });
  await assert.rejects(holding, (error) => error instanceof LeaseLostError && error.lossCause === 'silence');
  assert.equal(lock.lost.aborted, true);
  overdue = false;
  await lock.acquire();
  overdue = true;
  assert.equal(lock.owned, false);
  overdue = false;
  // The service knows nothing of the loss: what was lost is given back first, or it would wait for itself.
  await lock.acquire({ timeout: '5s' });
  assert.equal(lock.owned, true);
});

test('who disposes of a lock around its grant leaves nobody with it, at whichever step the two meet', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  await locks.open();
  for (let steps = 0; steps < 60; steps += 1) {
    const lock = locks.lock('a');
    const acquiring = lock.acquire().catch(() => undefined);
    for (let step = 0; step < steps; step += 1) await null;
    await lock[Symbol.asyncDispose]();
    const lease = await acquiring;
    assert.equal(lease?.owned ?? false, false, `after ${steps} steps`);
    assert.deepEqual(memory.service.resources, [], `after ${steps} steps`);
  }
});

test('a backend that fails to end a session that is over harms nobody: who asks next has another', async () => {
  const service = new MemoryService();
  let over = false;
  class Failing extends MemoryBackend {
    override async acquire(...args: Parameters<MemoryBackend['acquire']>): Promise<Lease> {
      if (!over) return super.acquire(...args);
      over = false;
      throw new SessionLostError('the session has ended');
    }
    override async [Symbol.asyncDispose](): Promise<void> {
      await super[Symbol.asyncDispose]();
      throw new Error('it cannot be ended');
    }
  }
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  const locks = new Locks(async () => new Failing(service));
  await locks.open();
  over = true;
  assert.ok(await locks.lock('a').acquire());
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  assert.deepEqual(unhandled, []);
  await assert.rejects(locks.close(), /it cannot be ended/);
});
