import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { OperationError } from '../../../src/backend/zookeeper/operation-error.js';
import { until } from '../../../src/testing/until.js';
import {
  connectResponse,
  decodeRequest,
  frame,
  int32,
  int64,
  reply,
  watchEvent,
} from '../../helpers/zk-frames.js';
import { openSession, playServer } from './kit.js';

/** A server that shakes hands on every connection and answers each request as `answer` says. */
function hostile(answer: (socket: Socket, xid: number, connection: number) => void) {
  return playServer((socket, connection) => {
    socket.once('data', () => {
      socket.write(connectResponse(2000, 5n));
      socket.on('data', (bytes) => {
        const { xid, opcode } = decodeRequest(bytes);
        if (opcode !== 11) answer(socket, xid, connection);
      });
    });
  });
}

const tooShort = (length: number) => Buffer.concat([int32(length), Buffer.alloc(32)]);

/** What the bytes are, and what a server sends instead of the reply with the given number. */
const attacks: readonly (readonly [string, (xid: number) => Buffer])[] = [
  ['a negative frame length', () => tooShort(-5)],
  ['a frame of no length', () => tooShort(0)],
  ['a frame length of two gigabytes', () => tooShort(2_000_000_000)],
  ['bytes of another protocol', () => Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')],
  [
    'a reply that breaks off in the middle of its body',
    (xid) => frame(int32(xid), int64(1n), int32(0), int32(9)),
  ],
  ['a reply with another number', (xid) => reply(xid + 7)],
  ['a reply that nobody asked for', (xid) => Buffer.concat([reply(xid + 7), reply(xid)])],
  ['a watch event of a type that does not exist', () => watchEvent(5, '/a')],
  ['a watch event of the type -1', () => watchEvent(-1, '/a')],
];

for (const [what, bytes] of attacks) {
  test(`${what}: the operation fails, the connection is given up, and the session goes on`, async () => {
    await using server = await hostile((socket, xid, connection) => {
      socket.write(connection === 1 ? bytes(xid) : reply(xid, -101));
    });
    await using session = await openSession(server.address);
    await assert.rejects(
      session.nodes.getData('/a'),
      (error) => error instanceof OperationError && error.code === 'CONNECTION_LOSS',
    );
    await session.connected();
    await assert.rejects(
      session.nodes.getData('/a'),
      (error) => error instanceof OperationError && error.code === 'NO_NODE',
    );
    assert.equal(server.accepted(), 2);
  });
}

for (const code of [-118, -124, -125, -127, -1000]) {
  test(`the error code ${code}, which the library does not know, is an error and not a crash`, async () => {
    await using server = await hostile((socket, xid) => socket.write(reply(xid, code)));
    await using session = await openSession(server.address);
    await assert.rejects(session.nodes.getData('/a'), OperationError);
  });
}

test("trap 14: A reconnect to a lagging follower (older zxid) doesn't yield a stale children list that grants the lock (sync before deciding, or lastZxid honoured)", async () => {
  const seen: bigint[] = [];
  await using server = await playServer((socket, connection) => {
    socket.once('data', (connect) => {
      seen.push(connect.readBigInt64BE(8));
      socket.write(connectResponse(2000, 5n));
      socket.on('data', (bytes) => {
        const { xid, opcode } = decodeRequest(bytes);
        if (opcode === 11) return;
        socket.write(reply(xid, -101, Buffer.alloc(0), xid === 1 ? 900n : -1n));
        if (xid === 2 && connection === 1) socket.end();
      });
    });
  });
  await using session = await openSession(server.address);
  await assert.rejects(session.nodes.getData('/a'));
  await assert.rejects(session.nodes.getData('/a'));
  await until(() => seen.length === 2, 'it reconnects');
  assert.deepEqual(seen, [0n, 900n]);
});

test('an operation whose reply never comes is given up after two thirds of the session timeout', async () => {
  await using server = await hostile((socket, xid, connection) => {
    if (connection > 1) socket.write(reply(xid, -101));
    // Pings of the other direction keep the read limit from coming first.
    else setInterval(() => socket.write(reply(-2)), 50).unref();
  });
  await using session = await openSession(server.address);
  await assert.rejects(
    session.nodes.getData('/a'),
    (error) => error instanceof OperationError && error.code === 'OPERATION_TIMEOUT',
  );
  await until(() => server.accepted() === 2, 'the server is given up');
});
