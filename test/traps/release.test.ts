import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { freshLock, run, running, STAYS } from '../e2e/stage.js';
import { startProxy, type TcpProxy } from '../helpers/proxy.js';
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
  await probe.create('/lockex');
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

const nodesOf = (resource: string) => probe.children(`/${resource}`).catch(() => []);

/** Whether a request deletes a contender's node or a permit: both begin with 32 hex digits. */
function givesBack(request: Request): boolean {
  return request.opcode === OPCODE.DELETE && /\/[0-9a-f]{32}(__lock__\d{10})?$/.test(pathOf(request));
}
const deletions = (proxy: TcpProxy) => proxy.requests.filter(givesBack).map(pathOf);

for (const permits of [1, 2]) {
  const kind = permits === 1 ? 'a lock' : 'a permit';
  test(`trap 18: Delete fails with ConnectionLoss on release: it is retried until NoNode or the session is closed/expired; exit does not leave a ghost for longer than the session (NoNode: ${kind})`, async (t) => {
    const on = scope(t);
    const table = bench();
    const claim = { resource: `lockex/no-node-${permits}`, permits };
    const proxy = await on.use(startProxy(zookeeper.address));
    const session = await open(on, proxy.address);
    const lease = await table.acquire(session, claim);
    const before = deletions(proxy).length;
    const lost = proxy.dropNextReply(givesBack);
    await lease.release();
    await lost;
    const [first, second, ...more] = deletions(proxy).slice(before);
    assert.ok(first !== undefined && first === second && more.length === 0, 'asked for twice');
    assert.deepEqual(await nodesOf(claim.resource), []);
    await (await table.acquire(session, claim)).release();
  });

  test(`trap 18: Delete fails with ConnectionLoss on release: it is retried until NoNode or the session is closed/expired; exit does not leave a ghost for longer than the session (never sent: ${kind})`, async (t) => {
    const on = scope(t);
    const table = bench();
    const claim = { resource: `lockex/unsent-${permits}`, permits };
    const proxy = await on.use(startProxy(zookeeper.address));
    const lease = await table.acquire(await open(on, proxy.address), claim);
    await proxy.refuseNew();
    proxy.reset();
    await until(() => proxy.connections === 0, 'it is disconnected');
    let released = false;
    const releasing = lease.release().then(() => {
      released = true;
    });
    assert.equal((await nodesOf(claim.resource)).length, 1);
    assert.equal(released, false);
    await proxy.acceptNew();
    await table.until(() => released, 'it is given back after all');
    await releasing;
    assert.deepEqual(await nodesOf(claim.resource), []);
  });
}

test('trap 18: Delete fails with ConnectionLoss on release: it is retried until NoNode or the session is closed/expired; exit does not leave a ghost for longer than the session (expired)', async (t) => {
  const on = scope(t);
  const table = bench();
  const resource = 'lockex/expired';
  const proxy = await on.use(startProxy(zookeeper.address));
  const lease = await table.acquire(await open(on, proxy.address, 1000), { resource });
  proxy.mode = 'blackhole';
  let released = false;
  const releasing = lease.release().then(() => {
    released = true;
  });
  await table.until(() => released, 'it is not tried for ever');
  await releasing;
  await table.until(async () => (await nodesOf(resource)).length === 0, 'the node went with the session');
});

test('trap 18: Delete fails with ConnectionLoss on release: it is retried until NoNode or the session is closed/expired; exit does not leave a ghost for longer than the session (exit after a lost reply)', async (t) => {
  const on = scope(t);
  const proxy = await on.use(startProxy(zookeeper.address));
  const lock = freshLock();
  const it = await run(t, proxy.address, ['-i', lock, '-T', '60'], STAYS);
  const pid = await running(it);
  const lost = proxy.dropNextReply(givesBack);
  process.kill(pid, 'SIGUSR2');
  await lost;
  assert.deepEqual(await it.exited, { code: 140, signal: null }, it.stderr);
  assert.equal(await probe.exists(`/lockex/${lock}`), false, 'at its exit nothing is left');
});

test('trap 18: Delete fails with ConnectionLoss on release: it is retried until NoNode or the session is closed/expired; exit does not leave a ghost for longer than the session (exit while cut off)', async (t) => {
  const on = scope(t);
  const proxy = await on.use(startProxy(zookeeper.address));
  const lock = freshLock();
  const it = await run(t, proxy.address, ['-i', lock, '-T', '2'], STAYS);
  const pid = await running(it);
  proxy.mode = 'blackhole';
  process.kill(pid, 'SIGUSR2');
  assert.deepEqual(await it.exited, { code: 140, signal: null }, it.stderr);
  assert.ok(it.hasLogged('the lock cannot be given back yet'));
  await until(async () => (await nodesOf(`lockex/${lock}`)).length === 0, 'it went with the session', 5000);
});
