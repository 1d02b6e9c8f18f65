import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim, Lease, LockBackend } from '../../src/backend/contract.js';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { Locks } from '../../src/lock/locks.js';
import { until } from '../../src/testing/until.js';
import { LeaseLostError, LockTimeoutError } from '../../src/util/errors.js';

/** A service whose answers can be kept back, as by a network that is silent. */
class Silence {
  readonly service = new MemoryService();
  readonly session = new MemoryBackend(this.service);
  readonly #kept: (() => void)[] = [];
  silent = false;

  /** What was kept back comes through. */
  end(): void {
    this.silent = false;
    for (const go of this.#kept.splice(0)) go();
  }

  async #heard(): Promise<void> {
    if (this.silent) await new Promise<void>((resolve) => this.#kept.push(resolve));
  }

  backend(): LockBackend {
    const { session } = this;
    const never = new AbortController().signal;
    const quiet = async (lease: Lease | undefined): Promise<Lease | undefined> => {
      await this.#heard();
      if (lease === undefined) return undefined;
      const release = () => this.#heard().then(() => lease.release());
      // A lease is its methods and getters: what is not said here is the lease's own.
      return new Proxy(lease, {
        get: (target, name) => {
          if (name === 'release') return release;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    };
    const acquire = async (claim: Claim) => {
      const lease = await quiet(await session.acquire(claim, never));
      assert.ok(lease);
      return lease;
    };
    return {
      traits: session.traits,
      farewells: [],
      acquire,
      tryAcquire: async (claim) => quiet(await session.tryAcquire(claim, never)),
      contenders: (resource, signal) => session.contenders(resource, signal),
      owns: () => session.owns(),
      [Symbol.asyncDispose]: async () => {},
    };
  }
}

test('who gives up is told so soon, though the service is silent; a grant that comes later is given back', async () => {
  const silence = new Silence();
  await using locks = new Locks(silence.backend());
  silence.silent = true;
  const lock = locks.lock('a');
  await assert.rejects(lock.acquire({ timeout: '20ms' }), LockTimeoutError);
  assert.equal(lock.owned, false);
  assert.deepEqual(silence.service.resources, ['lockex/a'], 'the service has granted it');
  silence.end();
  await until(() => silence.service.resources.length === 0, 'it is given back');
  await lock.acquire();
  assert.equal(lock.owned, true);
});

test('to acquire a lock again whose lease was lost waits no longer than it is told for the old one to go', async () => {
  const silence = new Silence();
  await using locks = new Locks(silence.backend());
  const lock = locks.lock('a');
  await lock.acquire();
  silence.service.expire(silence.session);
  silence.silent = true;
  await assert.rejects(lock.acquire({ timeout: '20ms' }), LockTimeoutError);
  silence.end();
  await lock.acquire();
  assert.equal(lock.owned, true);
});

test('hold tells of a loss at once, though the service is silent', async () => {
  const silence = new Silence();
  await using locks = new Locks(silence.backend());
  const holding = locks.lock('a').hold(() => {
    silence.service.expire(silence.session);
    silence.silent = true;
  });
  await assert.rejects(holding, LeaseLostError);
  silence.end();
});

test('close waits half a second for a silent service to take the locks back, and no longer', async () => {
  const silence = new Silence();
  const locks = new Locks(silence.backend());
  const lease = await locks.lock('a').acquire();
  silence.silent = true;
  await locks.close();
  assert.equal(lease.owned, false);
  assert.deepEqual(silence.service.resources, ['lockex/a'], 'it has not heard of it');
  silence.end();
  await until(() => silence.service.resources.length === 0, 'it is given back');
});
