import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openZooKeeper } from '../../../src/backend/zookeeper/index.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';
import {
  connectResponse,
  decodeRequest,
  FrameSplitter,
  int32,
  OPCODE,
  reply,
  ustring,
} from '../../helpers/zk-frames.js';
import { never, playServer } from './kit.js';

const SET_ACL = 7;
const SESSION = 5n;
/** A node that belongs to the session. */
const STAT = Buffer.alloc(68);
STAT.writeBigInt64BE(SESSION, 44);
const NODE = `${'a'.repeat(32)}__lock__0000000000`;

/** What a server answers to somebody who is the only contender. */
function bodyFor(opcode: number, node: string): Buffer {
  if (opcode === OPCODE.CREATE) return ustring(node);
  if (opcode === OPCODE.GET_DATA) return Buffer.concat([int32(0), STAT]);
  if (opcode === OPCODE.SET_DATA || opcode === SET_ACL) return STAT;
  if (opcode === OPCODE.GET_CHILDREN2) return Buffer.concat([int32(1), ustring(node.slice(3)), STAT]);
  return Buffer.alloc(0);
}

/** Gives its first connection a session timeout of 10 s and later ones 3 s, as servers with other limits would. */
function generousOnce(hangUp: (socket: { destroy(): void }) => void) {
  return playServer((socket, connection) => {
    const splitter = new FrameSplitter();
    let greeted = false;
    if (connection === 1) hangUp(socket);
    socket.on('data', (bytes) => {
      for (const frame of splitter.push(bytes).frames) {
        if (!greeted) socket.write(connectResponse(connection === 1 ? 10_000 : 3000, SESSION));
        else {
          const { xid, opcode } = decodeRequest(frame);
          socket.write(reply(xid, 0, bodyFor(opcode, `/l/${NODE}`)));
        }
        greeted = true;
      }
    });
  });
}

test('a lease goes by the timeout of the server that it is at, also when that changes', async () => {
  let first: { destroy(): void } | undefined;
  await using server = await generousOnce((socket) => {
    first = socket;
  });
  const options = { ttlMs: 10_000, connectLimitMs: 5000, connectAttempts: Number.POSITIVE_INFINITY };
  const backend = await openZooKeeper(
    server.address,
    { ...options, clock: systemClock, log: silentLog },
    never,
  );
  const claim = {
    resource: 'l',
    permits: 1,
    mode: 'exclusive',
    identity: { host: 'h', pid: 1, command: 'c' },
  } as const;
  const lease = await backend.acquire(claim, never);
  assert.equal(lease.budget?.ttlMs, 10_000);
  first?.destroy();
  await until(() => lease.budget?.ttlMs === 3000, 'the new timeout is taken over');
  await until(() => lease.deadline() - systemClock.now() < 2001, 'the deadline is that of 3 s');
  assert.equal(lease.isLost(), false);
  await backend[Symbol.asyncDispose]();
});
