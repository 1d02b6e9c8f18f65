import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NotPermittedError, UsageError } from '../../../src/util/errors.js';
import { type RedisServer, startRedis } from '../../helpers/redis.js';
import { acquire, openAt } from './kit.js';

const young = { minUptimeS: 0 };
let server: RedisServer;
before(async () => {
  server = await startRedis();
});
after(() => server[Symbol.asyncDispose]());

test('a lock is in the database that the address names', async () => {
  await using backend = await openAt(`${server.address}/3`, young);
  await using _lease = await acquire(backend);
  assert.equal(await server.cli('-n', '3', 'EXISTS', 'lockex:{test/r}'), '1');
  assert.equal(await server.cli('-n', '0', 'EXISTS', 'lockex:{test/r}'), '0');
});

test('a database that the server does not have is refused, and no other one is used instead', async () => {
  await assert.rejects(openAt(`${server.address}/99`, young), (error) => {
    assert.ok(error instanceof UsageError, String(error));
    assert.match(error.message, /expected a database 99/);
    return true;
  });
});

test('a user who may not choose the database is refused: others would look for the lock in another one', async () => {
  const rights = '~lockex:* &lockex:* +@all -select';
  await server.cli('ACL', 'SETUSER', 'narrow', 'on', '>secret', ...rights.split(' '));
  await assert.rejects(openAt(`narrow:secret@${server.address}/3`, young), NotPermittedError);
});

test('a user who may no longer choose it after a reconnect takes no lock in another one', async () => {
  await server.cli('ACL', 'SETUSER', 'was', 'on', '>secret', '~lockex:*', '&lockex:*', '+@all');
  await using backend = await openAt(`was:secret@${server.address}/4`, young);
  await server.cli('ACL', 'SETUSER', 'was', '-select');
  await server.cli('CLIENT', 'KILL', 'USER', 'was');
  await assert.rejects(acquire(backend), NotPermittedError);
  assert.equal(await server.cli('-n', '0', 'EXISTS', 'lockex:{test/r}'), '0');
});
