import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  connectResponse,
  decodeRequest,
  frame,
  int32,
  int64,
  reply,
  watchEvent,
} from '../../helpers/zk-frames.js';
import { playServer } from './kit.js';

/**
 * The twins of connecting.test.ts and hostile-bytes.test.ts: the same faults against the library without the
 * hardening. If one of these fails, the library has changed, and a cure may have become needless.
 */
const BARE = join(import.meta.dirname, '..', '..', 'fixtures', 'bare-client.cjs');

function runBare(address: string, limitMs = 1200): Promise<{ crashed: boolean; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BARE, address, String(limitMs)], (error, stdout, stderr) =>
      resolve({ crashed: error !== null, output: `${stdout}${stderr}` }),
    );
  });
}

function answering(bytes: (xid: number) => Buffer) {
  return playServer((socket) => {
    socket.once('data', () => {
      socket.write(connectResponse(2000, 5n));
      socket.on('data', (request) => {
        const { xid, opcode } = decodeRequest(request);
        if (opcode !== 11) socket.write(bytes(xid));
      });
    });
  });
}

const tooShort = (length: number) => Buffer.concat([int32(length), Buffer.alloc(32)]);

const crashes: readonly (readonly [string, (xid: number) => Buffer])[] = [
  ['a negative frame length', () => tooShort(-5)],
  ['a frame of no length', () => tooShort(0)],
  ['a reply that breaks off in the middle', (xid) => frame(int32(xid), int64(1n), int32(0), int32(9))],
  ['a watch event of a type that does not exist', () => watchEvent(5, '/a')],
  ['the error code -118', (xid) => reply(xid, -118)],
  ['the error code -127', (xid) => reply(xid, -127)],
];

for (const [what, bytes] of crashes) {
  test(`without the hardening, ${what} ends the process`, async () => {
    await using server = await answering(bytes);
    const { crashed, output } = await runBare(server.address);
    assert.equal(crashed, true, output);
  });
}

test('without the hardening, a reply with another number loses the callback of the one that was asked for', async () => {
  await using server = await answering((xid) => reply(xid + 7));
  const { crashed, output } = await runBare(server.address);
  assert.deepEqual([crashed, output.includes('settled')], [false, false]);
});

test('without the hardening, a server that never answers is never left for another', async () => {
  await using silent = await playServer(() => {});
  const { output } = await runBare(silent.address, 3000);
  assert.deepEqual([output, silent.accepted()], ['', 1]);
});

test('without the hardening, what is left of one connection spoils all that come after it', async () => {
  await using server = await playServer((socket, number) => {
    socket.once('data', () => {
      if (number > 1) socket.write(connectResponse(2000, 5n));
      else socket.end(connectResponse(2000, 5n).subarray(0, 9));
    });
  });
  const { output } = await runBare(server.address);
  assert.equal(output.includes('connected'), false);
});

test('without the hardening, a server that shakes hands and hangs up is stormed', async () => {
  await using server = await playServer((socket) => {
    socket.once('data', () => socket.end(connectResponse(2000, 5n)));
  });
  await runBare(server.address, 600);
  // Ours makes one a second then. Unhindered, it is hundreds on an idle machine.
  assert.ok(server.accepted() > 20, `${server.accepted()} connections`);
});

test('without the hardening, a bad port ends the process, and an IPv6 address is not understood', async () => {
  assert.equal((await runBare('127.0.0.1:99999')).crashed, true);
  assert.equal((await runBare('[::1]:2181', 300)).output.includes('connected'), false);
});

test('a library that lacks what the hardening replaces is refused, and the message names it', async () => {
  const { createLibraryClient } = await import('../../../src/backend/zookeeper/library.js');
  const manager = Object.getPrototypeOf(createLibraryClient(2000).connectionManager);
  const { onSocketTimeout } = manager;
  manager.onSocketTimeout = undefined;
  try {
    assert.throws(
      () => createLibraryClient(2000),
      /not version 1\.1\.3: it has no connectionManager\.onSocketTimeout/,
    );
  } finally {
    manager.onSocketTimeout = onSocketTimeout;
  }
});
