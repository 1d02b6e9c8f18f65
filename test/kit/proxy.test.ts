import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { freePort } from '../helpers/ports.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';

/** A server that answers every chunk with `<chunk>`, and what it has heard. */
async function echo(t: TestContext): Promise<{ address: string; heard: () => string; ended: () => number }> {
  const sockets = new Set<Socket>();
  let heard = '';
  let ended = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('data', (chunk) => {
      heard += chunk;
      socket.write(`<${chunk}>`);
    });
    socket.on('error', () => {});
    socket.on('close', () => ended++);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { address: `127.0.0.1:${port}`, heard: () => heard, ended: () => ended };
}

/** A client, what it has received, and how its connection ended. */
async function client(t: TestContext, port: number) {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  const seen = { text: '', end: 'open' };
  socket.on('data', (chunk) => {
    seen.text += chunk;
  });
  socket.on('end', () => {
    seen.end = 'ended';
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    seen.end = error.code ?? error.message;
  });
  await once(socket, 'connect');
  return { socket, seen };
}

test('a proxy passes bytes both ways, counts them, and passes the end on', async (t) => {
  const target = await echo(t);
  const proxy = await scope(t).use(startProxy(target.address, { protocol: 'raw' }));
  const { socket, seen } = await client(t, proxy.port);
  socket.write('hello');
  await until(() => seen.text === '<hello>', 'the answer comes');
  assert.equal(proxy.bytesFromClient, 5);
  assert.equal(proxy.bytesFromServer, 7);
  assert.ok((proxy.lastClientByteAt ?? 0) <= performance.now());
  assert.deepEqual([proxy.connections, proxy.accepted], [1, 1]);
  socket.end();
  await until(() => seen.end === 'ended' && target.ended() === 1, 'both sides have ended');
  await until(() => proxy.connections === 0, 'the proxy has forgotten the connection');
});

test('a black hole is silent both ways, and what it held arrives when it heals', async (t) => {
  const target = await echo(t);
  const proxy = await scope(t).use(startProxy(target.address, { protocol: 'raw' }));
  const { socket, seen } = await client(t, proxy.port);
  proxy.mode = 'blackhole';
  socket.write('late');
  await until(() => proxy.bytesFromClient === 4, 'the proxy has it');
  const newcomer = await client(t, proxy.port);
  newcomer.socket.write('!');
  await until(() => proxy.bytesFromClient === 5, 'the proxy has that, too');
  assert.deepEqual([target.heard(), seen.text, seen.end], ['', '', 'open']);
  proxy.mode = 'pass';
  await until(() => seen.text === '<late>' && newcomer.seen.text === '<!>', 'both answers come');
});

test('a black hole hides the end of a connection, too', async (t) => {
  const target = await echo(t);
  const proxy = await scope(t).use(startProxy(target.address, { protocol: 'raw' }));
  const { socket, seen } = await client(t, proxy.port);
  socket.write('x');
  await until(() => seen.text === '<x>', 'the answer comes');
  proxy.mode = 'blackhole';
  socket.destroy();
  await once(socket, 'close');
  const witness = await client(t, proxy.port);
  witness.socket.write('y');
  await until(() => proxy.bytesFromClient === 2, 'the proxy has turned since');
  assert.equal(target.ended(), 0);
  proxy.mode = 'pass';
  await until(() => target.ended() === 1, 'the server hears of the end');
});

test('a proxy can be silent one way only', async (t) => {
  const target = await echo(t);
  const proxy = await scope(t).use(startProxy(target.address, { protocol: 'raw' }));
  const { socket, seen } = await client(t, proxy.port);
  proxy.mode = 'dropToClient';
  socket.write('a');
  await until(() => proxy.bytesFromServer === 3, 'the server has answered');
  assert.deepEqual([target.heard(), seen.text], ['a', '']);
  proxy.mode = 'dropToServer';
  await until(() => seen.text === '<a>', 'the answer comes through');
  socket.write('b');
  await until(() => proxy.bytesFromClient === 2, 'the proxy has it');
  assert.equal(target.heard(), 'a');
  proxy.mode = 'pass';
  await until(() => seen.text === '<a><b>', 'the second answer comes');
});

test('a reset reaches both sides at once', async (t) => {
  const target = await echo(t);
  const proxy = await scope(t).use(startProxy(target.address, { protocol: 'raw' }));
  const { socket, seen } = await client(t, proxy.port);
  socket.write('x');
  await until(() => seen.text === '<x>', 'the answer comes');
  proxy.reset();
  await until(() => seen.end === 'ECONNRESET' && target.ended() === 1, 'both sides are reset');
  await until(() => proxy.connections === 0, 'the proxy has forgotten the connection');
});

test('a proxy that refuses new connections keeps the open ones, and can take new ones again', async (t) => {
  const target = await echo(t);
  const proxy = await scope(t).use(startProxy(target.address, { protocol: 'raw' }));
  const { socket, seen } = await client(t, proxy.port);
  await proxy.refuseNew();
  await assert.rejects(client(t, proxy.port), { code: 'ECONNREFUSED' });
  socket.write('x');
  await until(() => seen.text === '<x>', 'the open connection works');
  await proxy.acceptNew();
  const again = await client(t, proxy.port);
  again.socket.write('y');
  await until(() => again.seen.text === '<y>', 'the new connection works');
});

test('a target that refuses is passed on as a reset', async (t) => {
  const proxy = await scope(t).use(startProxy(`127.0.0.1:${await freePort()}`));
  const { seen } = await client(t, proxy.port);
  await until(() => seen.end === 'ECONNRESET', 'the client is reset');
});

test('disposing of a proxy while connections are half closed leaves nothing open', async (t) => {
  const target = await echo(t);
  const proxy = await startProxy(target.address, { protocol: 'raw' });
  const { socket, seen } = await client(t, proxy.port);
  socket.write('x');
  await until(() => seen.text === '<x>', 'the answer comes');
  proxy.mode = 'dropToClient';
  socket.end();
  await until(() => target.ended() === 1, 'the server has ended');
  await proxy[Symbol.asyncDispose]();
  await until(() => proxy.connections === 0, 'nothing is open');
});
