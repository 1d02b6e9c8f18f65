import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { hostileServer, silentServer } from '../helpers/fake-servers.js';
import { scope } from '../helpers/scope.js';
import { FrameSplitter, OPCODE, ustring, watchEvent } from '../helpers/zk-frames.js';
import { Probe } from '../helpers/zk-probe.js';

test('a silent server accepts and never answers', async (t) => {
  const use = scope(t);
  const server = await use.use(silentServer());
  const socket = connect(server.port, '127.0.0.1');
  t.after(() => socket.destroy());
  let answered = false;
  socket.on('data', () => {
    answered = true;
  });
  await once(socket, 'connect');
  socket.write('hello?');
  await until(() => server.connections === 1 && server.accepted === 1, 'it has accepted');
  await assert.rejects(Probe.open(server.address, { limitMs: 200 }), /no answer within 200 ms: connect/);
  assert.equal(answered, false);
});

test('a hostile server greets properly, and then does what its script says', async (t) => {
  const use = scope(t);
  const seen: number[] = [];
  const server = await use.use(
    hostileServer(
      ({ xid, opcode }, peer) => {
        seen.push(opcode);
        if (opcode === OPCODE.CREATE) peer.reply(xid, 0, ustring('/made-up'));
        if (opcode === OPCODE.GET_CHILDREN2) peer.reply(xid, -101);
        if (opcode === OPCODE.CLOSE) peer.destroy();
      },
      { timeoutMs: 4000, sessionId: 42n },
    ),
  );
  const probe = await use.use(Probe.open(server.address));
  assert.equal(probe.sessionId, 42n);
  assert.equal(await probe.create('/x'), '/made-up');
  await assert.rejects(probe.children('/x'), /NO_NODE/);
  assert.deepEqual(seen, [OPCODE.CREATE, OPCODE.GET_CHILDREN2]);
});

test('a hostile server can answer the connect request with anything', async (t) => {
  const use = scope(t);
  const server = await use.use(
    hostileServer(() => {}, { onConnectRequest: (peer) => peer.send('HTTP/1.1 400 Bad Request\r\n\r\n') }),
  );
  const socket = connect(server.port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(watchEvent(1, '/any'));
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^HTTP/);
});

test('frames are cut the same however the bytes arrive', () => {
  const bytes = Buffer.concat([watchEvent(1, '/a'), watchEvent(3, '/b')]);
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new FrameSplitter();
    const frames: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      frames.push(...splitter.push(bytes.subarray(at, at + size)).frames);
    }
    assert.deepEqual(frames, [watchEvent(1, '/a'), watchEvent(3, '/b')], `in chunks of ${size}`);
  }
});

test('what is no frame passes as it came', () => {
  const splitter = new FrameSplitter();
  assert.deepEqual(splitter.push(Buffer.from('srvr')), { foreign: true, frames: [Buffer.from('srvr')] });
  assert.deepEqual(splitter.push(Buffer.from('x')).frames, [Buffer.from('x')]);
});
