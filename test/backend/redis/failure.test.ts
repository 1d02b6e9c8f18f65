import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { clientOptions } from '../../../src/backend/redis/client-options.js';
import { Master } from '../../../src/backend/redis/master.js';
import { until } from '../../../src/testing/until.js';
import { NotPermittedError, ServiceUnreachableError } from '../../../src/util/errors.js';
import { startProxy } from '../../helpers/proxy.js';
import { startRedis } from '../../helpers/redis.js';
import { scope } from '../../helpers/scope.js';
import { TTL_MS } from './kit.js';

test('a refusal that is over is not given as the reason when the connection breaks later', async (t) => {
  const it = scope(t);
  const server = await it.use(startRedis());
  const user = (...words: readonly string[]) => server.cli('ACL', 'SETUSER', 'worker', ...words);
  await user('on', '>secret', '~*', '&*', '+@all');
  const login = { username: 'worker', password: 'secret' };
  const client = new Redis({
    ...clientOptions(TTL_MS, Math.random),
    ...login,
    host: '127.0.0.1',
    port: server.port,
  });
  const master = new Master(server.address, client);
  const answers = () =>
    master.run('return 1', [], []).then(
      () => true,
      () => false,
    );
  try {
    master.connect();
    await until(answers, 'it answers');
    await user('resetpass', '>other');
    await server.cli('CLIENT', 'KILL', 'USER', 'worker');
    await until(() => master.failure instanceof NotPermittedError, 'it refuses us');
    await user('>secret');
    await until(answers, 'it answers again');
    const closed = new Promise((resolve) => void client.once('close', resolve));
    await server.cli('CLIENT', 'KILL', 'USER', 'worker');
    await closed;
    assert.ok(master.failure instanceof ServiceUnreachableError, master.failure.message);
  } finally {
    master.close();
  }
});

test('a request whose connection breaks is rejected, and is not sent again over the next one', async (t) => {
  const it = scope(t);
  const server = await it.use(startRedis());
  const proxy = await it.use(startProxy(server.address, { protocol: 'raw' }));
  const client = new Redis({ ...clientOptions(60_000, Math.random), host: '127.0.0.1', port: proxy.port });
  const master = new Master(proxy.address, client);
  await it.use({ [Symbol.asyncDispose]: async () => master.close() });
  const count = () => master.run("return redis.call('INCR', KEYS[1])", ['lockex:count'], []);
  master.connect();
  await until(() => master.isConnected, 'it is connected');
  assert.equal(await count(), 1);
  proxy.mode = 'blackhole';
  const lost = assert.rejects(count, ServiceUnreachableError);
  // What is on its way is thrown away.
  proxy.reset();
  proxy.mode = 'pass';
  await lost;
  assert.equal(await until(() => count().catch(() => undefined), 'it is connected again'), 2);
});
