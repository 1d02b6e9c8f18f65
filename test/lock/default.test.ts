import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { close, configure, lock, semaphore, shared } from '../../src/lock/default.js';
import { UsageError } from '../../src/util/errors.js';

test('a program says once where its locks are, and opens nothing before it uses one', async () => {
  assert.throws(() => lock('a'), /expected configure\(\{ url \}\) before the first lock/);
  let opened = 0;
  const service = new MemoryService();
  const url = async () => {
    opened += 1;
    return new MemoryBackend(service);
  };
  configure({ url: 'zk://nowhere' });
  configure({ url, namespace: 'shop', timeout: '1s', retryInterval: '100ms' });
  const mine = lock('a');
  assert.equal(mine.resource, 'shop/a');
  assert.equal(opened, 0);
  await mine.acquire();
  await semaphore('pool', 2).acquire();
  await shared('data').acquire();
  assert.equal(opened, 1);
  assert.deepEqual([...service.resources].sort(), ['shop/a', 'shop/data', 'shop/pool']);
  assert.throws(() => configure({ url: 'memory:' }), UsageError);
  await close();
  await close();
  assert.deepEqual(service.resources, []);
  assert.ok(await lock('a').tryAcquire(), 'the configuration stays');
  await close();
  configure({ url: 'memory:' });
});

test('what is configured is checked when it is said', () => {
  assert.throws(() => configure({ url: 'memory:', ttl: 0 }), /^UsageError: ttl/);
  assert.throws(() => configure({ url: 'nowhere' }), /^UsageError: expected a URL that begins with/);
  assert.throws(() => configure({ url: 'redis://a', acl: 'open' }), /^UsageError: acl/);
});
