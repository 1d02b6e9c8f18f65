import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { keysOf, TOKEN_KEY } from '../../../src/backend/redis/keys.js';
import { RIGHTS } from '../../../src/backend/redis/redis-error.js';
import { CONTEND } from '../../../src/backend/redis/scripts.js';
import { until } from '../../../src/testing/until.js';
import { NotPermittedError, ServiceUnreachableError, UsageError } from '../../../src/util/errors.js';
import { silentLog } from '../../../src/util/log.js';
import { type RedisServer, startRedis } from '../../helpers/redis.js';
import { type Scope, scope } from '../../helpers/scope.js';
import { acquire, openAt, tryAcquire } from './kit.js';

/** The server's age is not the matter here. */
const grown = { minUptimeS: 0 };
let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis[Symbol.asyncDispose]());

/** A log, and the warnings in it. */
function listening() {
  const warnings: string[] = [];
  return {
    warnings,
    log: { ...silentLog, warn: (_: unknown, message: string) => void warnings.push(message) },
  };
}

/** Something that answers whatever it is asked with the same words. */
async function answering(it: Scope, words: string): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('data', () => void socket.write(words));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await it.use({
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `127.0.0.1:${address.port}`;
}

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;

test('a sentinel is refused, and called one', async (t) => {
  // A real one needs a file that it may write; this is what it says.
  const sentinel = await answering(scope(t), bulk('redis_version:7.0.15\r\nredis_mode:sentinel\r\n'));
  await assert.rejects(
    openAt(sentinel),
    (error) => error instanceof UsageError && /got one in sentinel mode/.test(error.message),
  );
});

test('a redis whose scripts cannot write what depends on the time is too old, and told so', async (t) => {
  const old = await answering(
    scope(t),
    bulk('redis_version:4.0.9\r\nredis_mode:standalone\r\nrole:master\r\n'),
  );
  await assert.rejects(
    openAt(old),
    (error) => error instanceof UsageError && /expected redis 5 or later, got 4\.0\.9/.test(error.message),
  );
});

test('a server that is no redis is out of reach, and called something else', async (t) => {
  const web = await answering(scope(t), 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  await assert.rejects(
    openAt(web, { connectAttempts: 1 }),
    (error) =>
      error instanceof ServiceUnreachableError &&
      /expected a redis, got an answer of something else, which begins with "H"/.test(error.message),
  );
});

test('a server that answers, and does not do it, is not said to be out of reach', async (t) => {
  const it = scope(t);
  const alone = await it.use(startRedis({ args: ['--min-replicas-to-write', '1'] }));
  const session = await it.use(openAt(alone.address, { ...grown, connectLimitMs: 2000 }));
  await assert.rejects(tryAcquire(session), (error) => {
    assert.ok(error instanceof ServiceUnreachableError, String(error));
    assert.match(error.message, /NOREPLICAS Not enough good replicas to write$/);
    assert.match(error.hint ?? '', /the server is up/);
    return true;
  });
});

for (const [right, command] of [
  ['+eval', 'eval'],
  ['+info', 'info'],
  ['+time', 'TIME'],
  ['+@hash', 'HGET'],
  ['+get', 'GET'],
  ['+exists', 'EXISTS'],
  ['+pexpire', 'PEXPIRE'],
  ['+del', 'DEL'],
  ['+set', 'SET'],
  ['~lockex:*', 'keys'],
] as const) {
  test(`a user without ${right} is refused before anything is granted, told what is missing, and leaves no lock`, async (t) => {
    const rights = RIGHTS.split(' ').filter((one) => one !== right);
    await redis.cli('ACL', 'SETUSER', 'poor', 'reset', 'on', '>pass', ...rights);
    const open = () => openAt(`poor:pass@${redis.address}/2`, grown);
    const attempt = async () => acquire(await scope(t).use(open()));
    await assert.rejects(attempt, (error) => {
      assert.ok(error instanceof NotPermittedError, String(error));
      assert.match(error.message, new RegExp(String.raw`\b${command}\b`));
      assert.doesNotMatch(error.message, /user_script/);
      return true;
    });
    assert.equal(await redis.cli('-n', '2', 'EXISTS', 'lockex:{test/r}'), '0');
  });
}

test('a grant that fails half way, and that nobody can undo, leaves no lock that never ends', async () => {
  const rights = RIGHTS.split(' ').filter((one) => one !== '+pexpire');
  await redis.cli('ACL', 'SETUSER', 'poor', 'reset', 'on', '>pass', ...rights);
  const { lock, hold, waiters } = keysOf('test/half');
  const ask = ['EVAL', CONTEND, '4', lock, hold, waiters, TOKEN_KEY, 'me', '{}', '4000', '0', '0'];
  assert.match(await redis.cli('--user', 'poor', '--pass', 'pass', ...ask), /can't run this command/);
  assert.equal(await redis.cli('EXISTS', lock), '0');
});

test('one who may not listen is told how often it looks instead, once', async (t) => {
  const it = scope(t);
  await redis.cli('ACL', 'SETUSER', 'deaf', 'reset', 'on', '>pass', ...RIGHTS.split(' '), '-subscribe');
  const { warnings, log } = listening();
  const held = await acquire(await it.use(openAt(redis.address, grown)));
  const next = acquire(await it.use(openAt(`deaf:pass@${redis.address}`, { ...grown, log, ttlMs: 2000 })));
  await until(() => warnings.length > 0, 'it is told');
  await held.release();
  await (await next).release();
  assert.equal(warnings.length, 1, warnings.join('\n'));
  assert.match(warnings[0] ?? '', /^no release is told to us: NOPERM .*; we look every 0\.5 s instead$/);
});

test('a password that the server does not ask for is told of in the log, and nowhere else', async (t) => {
  const it = scope(t);
  const { warnings, log } = listening();
  const warn = t.mock.method(console, 'warn', () => {});
  const held = await acquire(await it.use(openAt(redis.address, grown)));
  const session = await it.use(openAt(`:secret@${redis.address}`, { ...grown, log }));
  const next = acquire(session);
  await until(async () => (await redis.cli('PUBSUB', 'CHANNELS')) !== '', 'one connection more listens');
  await held.release();
  await (await next).release();
  assert.deepEqual(warnings, ['this redis asks for no password: the login is not used']);
  assert.equal(warn.mock.callCount(), 0);
});

test('one server under two names counts twice, and is told of', async (t) => {
  const it = scope(t);
  const other = await it.use(startRedis());
  const { warnings, log } = listening();
  await it.use(openAt(`${redis.address},localhost:${redis.port}`, { log }));
  await it.use(openAt(`${redis.address},${other.address}`, { log }));
  assert.equal(warnings.length, 1, warnings.join('\n'));
  assert.match(warnings[0] ?? '', /is one server: give masters of their own/);
});

test('the page on the services names the rights that a user needs', () => {
  const page = readFileSync(new URL('../../../docs/backends.md', import.meta.url), 'utf8');
  assert.ok(page.includes(`\`${RIGHTS}\``));
});
