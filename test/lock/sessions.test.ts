import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from '../../src/backend/contract.js';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { Locks } from '../../src/lock/locks.js';
import { SessionLostError } from '../../src/util/errors.js';

/** A session that the service may have ended for whoever asks next, though its leases live on. */
class Ending extends MemoryBackend {
  ended = false;
  closed = false;

  override async acquire(...args: Parameters<MemoryBackend['acquire']>): Promise<Lease> {
    if (this.ended) throw new SessionLostError('the session has ended');
    return super.acquire(...args);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    await super[Symbol.asyncDispose]();
  }
}

test('a service that ends each session at once is asked twice, and not for ever', async () => {
  let opened = 0;
  await using locks = new Locks(async () => {
    opened += 1;
    return Object.assign(new Ending(new MemoryService()), { ended: true });
  });
  await assert.rejects(locks.lock('a').acquire(), SessionLostError);
  assert.equal(opened, 2);
});

test('a session that has ended for one is closed when the last lease of it has been given back, and not before', async () => {
  const service = new MemoryService();
  const sessions: Ending[] = [];
  await using locks = new Locks(async () => {
    const session = new Ending(service);
    sessions.push(session);
    return session;
  });
  const leases = [await locks.lock('a').acquire(), await locks.lock('b').acquire()];
  const [first] = sessions;
  assert.ok(first);
  first.ended = true;
  await locks.lock('c').acquire();
  assert.equal(sessions.length, 2);
  for (const lease of leases) {
    assert.equal(first.closed, false);
    assert.equal(lease.owned, true);
    await lease.release();
    await lease.release();
  }
  assert.equal(first.closed, true);
});
