import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Session } from '../../../src/backend/zookeeper/session.js';
import { until } from '../../../src/testing/until.js';
import { NotPermittedError, ServiceUnreachableError } from '../../../src/util/errors.js';
import { startProxy } from '../../helpers/proxy.js';
import { connectResponse, OPCODE } from '../../helpers/zk-frames.js';
import { startZooKeeper, type ZooKeeper } from '../../helpers/zookeeper.js';
import { never, openSession, playServer, sessionOptions } from './kit.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

/** What opening a session there is refused with. */
async function refusal(address: string, part = {}): Promise<Error> {
  try {
    await (await Session.open(sessionOptions(address, part), never)).close();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error(`${address} gave a session`);
}

test('servers that cannot be reached are named, each with its reason, within the limit', async () => {
  const error = await refusal('127.0.0.1:1, no-such-host.invalid:2181', { connectLimitMs: 700 });
  assert.ok(error instanceof ServiceUnreachableError);
  assert.match(error.message, /127\.0\.0\.1:1: .*ECONNREFUSED/);
  assert.match(error.message, /no-such-host\.invalid:2181: .*(ENOTFOUND|EAI_AGAIN)/);
});

test('each server is tried once when one attempt each was asked for, without waiting for the limit', async () => {
  const startedAt = performance.now();
  const error = await refusal('127.0.0.1:1,127.0.0.1:2,127.0.0.1:3', {
    connectAttempts: 3,
    connectLimitMs: 60_000,
  });
  assert.match(error.message, /:1: .*:2: .*:3: /);
  assert.ok(performance.now() - startedAt < 30_000);
});

test('a server that accepts and never answers is left for the next one', async () => {
  await using silent = await playServer(() => {});
  await using session = await openSession(`${silent.address},${zookeeper.address}`);
  assert.equal(session.isConnected, true);
  // More than once where the other one was too slow in the first round.
  assert.ok(silent.accepted() >= 1);
});

test('servers that all need longer than is usual for a session are given longer, round by round', async () => {
  // 250 ms for each of the two in the first round, with a timeout of 2 s.
  await using slow = await playServer((socket) => {
    const timer = setTimeout(() => socket.write(connectResponse(2000, 7n)), 400);
    socket.on('close', () => clearTimeout(timer));
  });
  await using session = await openSession(`${slow.address},${slow.address}`);
  assert.equal(session.id, 7n);
  assert.ok(slow.accepted() >= 3);
});

test('a server that is just starting, and has refused us for a while, is not given longer for that', async () => {
  const at: number[] = [];
  await using starting = await playServer((socket, number) => {
    at.push(performance.now());
    if (number <= 4) socket.end();
    // The fifth connection is accepted and forgotten: 1 s is the limit then, with a timeout of 4 s.
    else if (number > 5) socket.write(connectResponse(4000, 9n));
  });
  await using session = await openSession(starting.address, { ttlMs: 4000 });
  assert.equal(session.id, 9n);
  const [forgotten = 0, answered = 0] = at.slice(4);
  assert.ok(answered - forgotten < 2000, `${answered - forgotten} ms`);
});

test('a server that accepts and never answers is not waited for beyond the limit', async () => {
  await using silent = await playServer(() => {});
  const error = await refusal(silent.address, { connectLimitMs: 600 });
  assert.match(error.message, /no answer to the connect request in \d+ ms|no answer/);
});

test('a port on which something else speaks is recognised, and the next server is tried', async () => {
  await using http = await playServer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const error = await refusal(http.address, { connectAttempts: 1 });
  assert.match(error.message, /is this a ZooKeeper client port\?/);
  await using session = await openSession(`${http.address},${zookeeper.address}`);
  assert.equal(session.isConnected, true);
});

test('what is left of a broken reply is not put before the bytes of the next connection', async () => {
  await using server = await playServer((socket, number) => {
    socket.once('data', () => {
      if (number > 1) socket.write(connectResponse(2000, 5n));
      else socket.end(connectResponse(2000, 5n).subarray(0, 9));
    });
  });
  await using session = await openSession(server.address);
  assert.equal(session.id, 5n);
  assert.equal(server.accepted(), 2);
});

test('a server that shakes hands and hangs up is not stormed', async () => {
  await using server = await playServer((socket) => {
    socket.once('data', () => socket.end(connectResponse(2000, 5n)));
  });
  await using _session = await openSession(server.address);
  await until(() => server.accepted() >= 5, 'it is tried again');
  const startedAt = performance.now();
  await until(() => server.accepted() >= 10, 'and again');
  assert.ok(performance.now() - startedAt > 60, 'five more attempts in no time is a storm');
});

test('the session timeout is the one that the server gave', async () => {
  await using session = await openSession(zookeeper.address, { ttlMs: 600_000 });
  assert.equal(session.ttlMs, 10_000);
});

test('no request has the number 0, which the server would count as outstanding for ever', async () => {
  await using proxy = await startProxy(zookeeper.address);
  await using session = await openSession(proxy.address);
  await session.nodes.getChildren('/');
  const first = proxy.requests.find((request) => request.opcode === OPCODE.GET_CHILDREN2);
  assert.equal(first?.xid, 1);
});

test('credentials that the servers cannot take end the connecting with a clear refusal', async () => {
  await using server = await playServer((socket) => {
    socket.once('data', () => {
      socket.write(connectResponse(2000, 5n));
      socket.once('data', () => {
        // The reply to an AUTH packet (xid -4): AUTH_FAILED (-115).
        const frame = Buffer.alloc(20);
        frame.writeInt32BE(16, 0);
        frame.writeInt32BE(-4, 4);
        frame.writeInt32BE(-115, 16);
        socket.end(frame);
      });
    });
  });
  await using session = await openSession(server.address, { digest: Buffer.from('u:p') });
  await until(() => session.over.aborted, 'the session is over');
  assert.equal(session.end, 'refused');
  assert.ok(session.over.reason instanceof NotPermittedError);
});

test('told to stop while connecting, it stops at once', async () => {
  await using silent = await playServer(() => {});
  const stop = new AbortController();
  const opening = Session.open(sessionOptions(silent.address), stop.signal);
  await until(() => silent.accepted() === 1, 'it connects');
  stop.abort(new Error('told to stop'));
  await assert.rejects(opening, /told to stop/);
});
