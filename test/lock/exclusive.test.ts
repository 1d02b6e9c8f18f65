import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exclusive } from '../../src/lock/exclusive.js';
import type { Locks } from '../../src/lock/locks.js';
import { until } from '../../src/testing/until.js';
import { LeaseLostError, LockNotAcquiredError, LockTimeoutError, UsageError } from '../../src/util/errors.js';
import { MemoryLocks } from './kit.js';

/** A class as a program would have it; `gate` lets its calls end. */
function shopWith(locks: Locks) {
  const seen: string[] = [];
  const gate = { open: true };
  let inside = 0;
  class Shop {
    readonly prefix = 'order';

    @exclusive(locks)
    async count(by: number, note?: string): Promise<string> {
      inside += 1;
      assert.equal(inside, 1, 'two at once');
      seen.push(`${this.prefix} ${by} ${note ?? '-'}`);
      await until(() => gate.open, 'the gate is open');
      inside -= 1;
      return `${this.prefix}${by}`;
    }

    @exclusive(() => locks, { blocking: false })
    static async restock(): Promise<string> {
      await until(() => gate.open, 'the gate is open');
      return `by ${seen.length}`;
    }

    @exclusive(async () => locks, { key: (id: number) => `shop/${id}`, timeout: '10ms' })
    async ship(id: number): Promise<number> {
      await until(() => gate.open, 'the gate is open');
      return id;
    }

    @exclusive(locks)
    async same<T extends string>(value: T, ...more: readonly T[]): Promise<readonly T[]> {
      return [value, ...more];
    }

    @exclusive(locks, 'one-for-all')
    async named(): Promise<void> {
      await until(() => gate.open, 'the gate is open');
    }
  }
  return { Shop, seen, gate };
}

test('one call at a time of a method that is exclusive, with its this, its arguments and its result', async () => {
  await using memory = new MemoryLocks();
  const { Shop, seen } = shopWith(memory.connect());
  const results = await Promise.all([new Shop().count(1), new Shop().count(2, 'b'), new Shop().count(3)]);
  assert.deepEqual(results, ['order1', 'order2', 'order3']);
  assert.deepEqual(seen, ['order 1 -', 'order 2 b', 'order 3 -']);
  assert.deepEqual(memory.service.resources, []);
});

test('a method keeps its types, those of its type parameters included', async () => {
  await using memory = new MemoryLocks();
  const { Shop } = shopWith(memory.connect());
  const shop = new Shop();
  const both: readonly ('a' | 'b')[] = await shop.same<'a' | 'b'>('a', 'b');
  assert.deepEqual(both, ['a', 'b']);
  const count: (by: number, note?: string) => Promise<string> = shop.count;
  // @ts-expect-error: it takes a number
  const wrong: Parameters<typeof shop.count>[0] = 'one';
  assert.ok(typeof count === 'function' && typeof wrong === 'string');
});

test('the key is Class.method, of the class that the instance is of; or what is said; or made from the arguments', async () => {
  await using memory = new MemoryLocks();
  const { Shop, gate } = shopWith(memory.connect());
  class Branch extends Shop {}
  gate.open = false;
  const calls = [
    new Shop().count(1),
    Branch.restock(),
    Shop.restock(),
    new Shop().ship(7),
    new Branch().named(),
  ];
  const keys = ['Branch.restock', 'Shop.count', 'Shop.restock', 'one-for-all', 'shop/7'];
  await until(() => memory.service.resources.length === keys.length, 'all hold');
  assert.deepEqual(
    [...memory.service.resources].sort(),
    keys.map((key) => `lockex/${key}`),
  );
  gate.open = true;
  assert.deepEqual(await Promise.all(calls), ['order1', 'by 1', 'by 1', 7, undefined]);
});

test('a call that does not want to wait, or not for long, is told that the lock is not free', async () => {
  await using memory = new MemoryLocks();
  const { Shop, gate } = shopWith(memory.connect());
  gate.open = false;
  const calls = [Shop.restock(), new Shop().ship(1)];
  await until(() => memory.service.resources.length === 2, 'they hold');
  await assert.rejects(Shop.restock(), LockNotAcquiredError);
  await assert.rejects(new Shop().ship(1), LockTimeoutError);
  gate.open = true;
  await Promise.all(calls);
});

test('a call whose lock was lost meanwhile says so when the method has settled', async () => {
  await using memory = new MemoryLocks();
  const { Shop, gate } = shopWith(memory.connect());
  gate.open = false;
  const call = Shop.restock();
  call.catch(() => {});
  await until(() => memory.service.resources.length === 1, 'it holds');
  await memory.expire();
  gate.open = true;
  await assert.rejects(call, LeaseLostError);
});

test('a method without a name of its own needs a key, and who does not wait has no timeout', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const work = Symbol('work');
  class Nameless {
    @exclusive(locks)
    async [work](): Promise<void> {}
  }
  await assert.rejects(new Nameless()[work](), UsageError);
  assert.throws(() => exclusive(locks, { blocking: false, timeout: 5 }), /^UsageError: timeout/);
  assert.throws(() => exclusive(locks, { timeout: -5 }), /^UsageError: timeout/);
});

/** What JavaScript is made of a decorator by that does not look at types: as `experimentalDecorators` does, or of something else. */
function refusesToDecorate(locks: Locks, message: RegExp, ...args: readonly unknown[]): void {
  const decorate = exclusive(locks);
  assert.throws(
    () => Reflect.apply(decorate, undefined, args),
    (error) => error instanceof UsageError && message.test(error.message),
  );
}

test('what the types refuse is refused while the class is made, and never run without the lock', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  const work = async () => {};
  const target = { work };
  const noMethod = /expected a method, by the standard decorators/;
  refusesToDecorate(locks, noMethod, target, 'work', Object.getOwnPropertyDescriptor(target, 'work'));
  refusesToDecorate(locks, noMethod, () => 1, { kind: 'getter', name: 'work' });
  refusesToDecorate(locks, noMethod, undefined, { kind: 'field', name: 'work' });
  refusesToDecorate(locks, noMethod, class {}, { kind: 'class', name: 'Work' });
  const generator = async function* () {};
  refusesToDecorate(locks, /returns a promise, got a generator/, generator, { kind: 'method', name: 'work' });
  assert.throws(() => exclusive(locks, { hold: -1 }), /^UsageError: hold/);
});

test('a private method is exclusive, too, by the name that it has in its class', async () => {
  await using memory = new MemoryLocks();
  const locks = memory.connect();
  class Till {
    @exclusive(locks)
    async #count(): Promise<readonly string[]> {
      return memory.service.resources;
    }

    count(): Promise<readonly string[]> {
      return this.#count();
    }
  }
  assert.deepEqual(await new Till().count(), ['lockex/Till.#count']);
});
