import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { OPCODE } from '../helpers/zk-frames.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper } from '../helpers/zookeeper.js';

test('a dropped reply: the server has done it, the client never hears so, other requests are untouched', async (t) => {
  const use = scope(t);
  const zookeeper = await use.use(startZooKeeper());
  const proxy = await use.use(startProxy(zookeeper.address));
  const direct = await use.use(Probe.open(zookeeper.address));
  const victim = await use.use(Probe.open(proxy.address));

  const dropped = proxy.dropNextReply((request) => request.opcode === OPCODE.CREATE);
  assert.equal(await victim.exists('/lost'), false);
  await assert.rejects(victim.create('/lost', 'done'), /CONNECTION_LOSS/);
  assert.equal((await dropped).opcode, OPCODE.CREATE);
  assert.equal(await direct.data('/lost'), 'done');
  assert.equal(await victim.create('/next'), '/next');
  assert.ok(proxy.accepted >= 2, 'the client has connected again');
});

test('a dropped reply can leave the connection open', async (t) => {
  const use = scope(t);
  const zookeeper = await use.use(startZooKeeper());
  const proxy = await use.use(startProxy(zookeeper.address));
  const victim = await use.use(Probe.open(proxy.address, { limitMs: 500 }));
  const dropped = proxy.dropNextReply((request) => request.opcode === OPCODE.SET_DATA, 'keep');
  await victim.create('/n');
  await assert.rejects(victim.setData('/n', 'x'), /no answer/);
  await dropped;
  assert.deepEqual(
    proxy.requests.map((request) => request.opcode),
    [OPCODE.CREATE, OPCODE.SET_DATA],
  );
  assert.deepEqual([proxy.accepted, proxy.connections], [1, 1]);
});

test('a four-letter word passes a proxy that looks at frames', async (t) => {
  const use = scope(t);
  const zookeeper = await use.use(startZooKeeper());
  const proxy = await use.use(startProxy(zookeeper.address));
  const { fourLetter } = await import('../helpers/four-letter.js');
  assert.equal(await fourLetter(proxy.port, 'ruok'), 'imok');
});
