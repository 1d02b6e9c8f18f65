import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { clientOptions } from '../../../src/backend/redis/client-options.js';
import { Master } from '../../../src/backend/redis/master.js';
import { until } from '../../../src/testing/until.js';
import { NotPermittedError, ServiceUnreachableError } from '../../../src/util/errors.js';
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
