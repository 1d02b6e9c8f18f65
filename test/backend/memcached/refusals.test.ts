import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { NotPermittedError, ServiceUnreachableError, UsageError } from '../../../src/util/errors.js';
import { FakeServer } from '../../helpers/fake-servers.js';
import { startMemcached } from '../../helpers/memcached.js';
import { freePort } from '../../helpers/ports.js';
import { startRedis } from '../../helpers/redis.js';
import { scope } from '../../helpers/scope.js';
import { tempDir } from '../../helpers/temp.js';
import { open } from './kit.js';

test('a memcached that was started without cas is refused: a renewal could not name what it replaces', async (t) => {
  const memcached = await scope(t).use(startMemcached(['-C']));
  await assert.rejects(open(memcached.address), (error) => {
    assert.ok(error instanceof UsageError, String(error));
    assert.match(error.message, /expected a server with cas, got one that was started with -C/);
    return true;
  });
});

test('a memcached that asks for credentials is said to do so', async (t) => {
  const on = scope(t);
  const dir = await on.use(tempDir('memcached-login'));
  await writeFile(dir.join('logins'), 'me:secret\n');
  const { port } = await on.use(startMemcached(['-Y', dir.join('logins')]));
  await assert.rejects(open(`127.0.0.1:${port}`), (error) => {
    assert.ok(error instanceof NotPermittedError, String(error));
    assert.match(error.message, /asks for credentials, and lockex has none for memcached/);
    return true;
  });
});

test('what answers at the port and is no memcached is shown by what it answers', async (t) => {
  const on = scope(t);
  const redis = await on.use(startRedis());
  const web = await on.use(webServer());
  for (const [address, answer] of [
    [redis.address, /"-ERR unknown command.*, which is not what memcached answers/],
    [web.address, /"HTTP\/1.1 400 Bad Request", which is not what memcached answers/],
  ] as const) {
    await assert.rejects(open(address, { connectLimitMs: 2000 }), (error) => {
      assert.ok(error instanceof ServiceUnreachableError, String(error));
      assert.match(error.message, answer);
      return true;
    });
  }
});

async function webServer(): Promise<FakeServer> {
  const server = new FakeServer(await freePort(), (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
  });
  await server.listen();
  return server;
}
