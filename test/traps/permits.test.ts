import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { OPCODE, pathOf, type Request } from '../helpers/zk-frames.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { bench, open, PATIENT } from './kit.js';

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper(PATIENT);
  probe = await Probe.open(zookeeper.address);
  await probe.create('/s');
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

const PERMIT = /\/[0-9a-f]{32}$/;
const PLACE = /-__lock__\/[0-9a-f]{32}__lock__(\d{10})?$/;
const LIMIT = /^\/s\/[^/]+(?<!-__lock__)$/;
const LINE = /-__lock__$/;

/** What is asked on the way to a permit, one after the other. */
const STEPS: readonly (readonly [string, number, RegExp])[] = [
  ['making the node with the number of permits', OPCODE.CREATE, LIMIT],
  ['reading the number of permits', OPCODE.GET_DATA, LIMIT],
  ['taking a place in line', OPCODE.CREATE, PLACE],
  ['looking at the line', OPCODE.GET_CHILDREN2, LINE],
  ['counting the permits taken', OPCODE.GET_CHILDREN2, LIMIT],
  ['making the permit', OPCODE.CREATE, PERMIT],
  ['confirming the permit', OPCODE.SET_DATA, PERMIT],
  ['leaving the line', OPCODE.DELETE, PLACE],
];

for (const [at, [step, opcode, path]] of STEPS.entries()) {
  const isStep = (request: Request) => request.opcode === opcode && path.test(pathOf(request));

  test(`trap 36: Reconnect/interrupt during lease creation leaks no lease (CURATOR-315/335/462) (reconnect while ${step})`, async (t) => {
    const on = scope(t);
    const table = bench();
    const claim = { resource: `s/reconnect-${at}`, permits: 2 };
    const proxy = await on.use(startProxy(zookeeper.address));
    const session = await open(on, proxy.address);
    const lost = proxy.dropNextReply(isStep);
    const lease = await table.granted(table.contend(session, claim));
    await lost;
    const [permit = '', ...more] = await probe.children(`/${claim.resource}`);
    assert.deepEqual(more, [], 'one permit is taken');
    assert.equal((await probe.stat(`/${claim.resource}/${permit}`))?.czxid, lease.fencingToken);
    assert.deepEqual(await probe.children(`/${claim.resource}-__lock__`).catch(() => []), []);
    await lease.release();
    assert.deepEqual(await probe.children(`/${claim.resource}`).catch(() => []), []);
  });

  test(`trap 36: Reconnect/interrupt during lease creation leaks no lease (CURATOR-315/335/462) (interrupt while ${step})`, async (t) => {
    const on = scope(t);
    const table = bench();
    const claim = { resource: `s/interrupt-${at}`, permits: 2 };
    const proxy = await on.use(startProxy(zookeeper.address));
    const session = await open(on, proxy.address, 4000);
    // The server has done it, and we never hear so, over this connection.
    const lost = proxy.dropNextReply(isStep, 'keep');
    const leaver = table.contend(session, claim);
    await lost;
    leaver.abort(new Error('told to stop'));
    proxy.reset();
    const lease = await leaver.lease.catch(() => undefined);
    // Too late to be told to stop: it leaves the line with its permit.
    await lease?.release();
    assert.equal(lease === undefined, step !== 'leaving the line');
    for (const directory of [claim.resource, `${claim.resource}-__lock__`]) {
      assert.deepEqual(await probe.children(`/${directory}`).catch(() => []), [], directory);
    }
    const other = await open(on, zookeeper.address);
    const both = [await table.acquire(other, claim), await table.acquire(other, claim)];
    for (const each of both) await each.release();
  });
}
