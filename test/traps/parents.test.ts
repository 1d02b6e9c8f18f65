import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { LeaseLostError } from '../../src/util/errors.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { OPCODE, pathOf, type Request } from '../helpers/zk-frames.js';
import { Gate } from '../helpers/zk-gate.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { bench, open, PATIENT } from './kit.js';

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper(PATIENT);
  probe = await Probe.open(zookeeper.address);
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

/** What a container's reaper does, or an admin: the node goes as soon as it is there and has no children. */
async function reap(path: string): Promise<void> {
  await until(() => probe.exists(path), `${path} is there`);
  await probe.remove(path);
}

// lockex makes no container nodes, which not every server has: whoever is the last takes the directory away. What is shown
// instead is that it makes none, and that it does not matter who else takes it away, and when.
for (const [what, permits, node] of [
  ['a lock', 1, /^\/p\/reaped-1\/[0-9a-f]{32}__lock__$/],
  ['a place in line for a permit', 2, /^\/p\/reaped-2-__lock__\/[0-9a-f]{32}__lock__$/],
  ['a permit', 3, /^\/p\/reaped-3\/[0-9a-f]{32}$/],
] as const) {
  test(`trap 26: Parent deleted (container reaper, admin) between ensure and create: NoNode is retried; parent cleanup never deletes another's lock; containers used when the server supports them, fallback on UNIMPLEMENTED (deleted before ${what})`, async (t) => {
    const on = scope(t);
    const table = bench();
    const claim = { resource: `p/reaped-${permits}`, permits };
    let reaped = 0;
    const gate = await on.use(
      Gate.start(zookeeper.address, (request) => {
        if (request.opcode !== OPCODE.CREATE || !node.test(pathOf(request)) || reaped === 3) return undefined;
        reaped += 1;
        return reap(pathOf(request).slice(0, pathOf(request).lastIndexOf('/')));
      }),
    );
    const lease = await table.acquire(await open(on, gate.address), claim);
    assert.equal(reaped, 3);
    const waiter = await open(on, zookeeper.address);
    assert.equal((await table.contenders(waiter, claim.resource)).length, 1);
    await lease.release();
    await (await table.acquire(waiter, claim)).release();
    assert.equal(await probe.exists(`/${claim.resource}`), false, 'the last one takes it away');
  });
}

for (const permits of [1, 2]) {
  test(`trap 26: Parent deleted (container reaper, admin) between ensure and create: NoNode is retried; parent cleanup never deletes another's lock; containers used when the server supports them, fallback on UNIMPLEMENTED (cleanup of ${permits === 1 ? 'a lock' : 'a semaphore'})`, async (t) => {
    const on = scope(t);
    const table = bench();
    const claim = { resource: `p/tidied-${permits}`, permits };
    const next = await open(on, zookeeper.address);
    const removed: string[] = [];
    let takesOver: ReturnType<typeof table.acquire> | undefined;
    const gate = await on.use(
      Gate.start(zookeeper.address, (request) => {
        if (request.opcode !== OPCODE.DELETE || !/^\/p(\/tidied-\d(-__lock__)?)?$/.test(pathOf(request)))
          return undefined;
        removed.push(pathOf(request));
        // Who gave back found nobody there. Before its cleanup arrives, somebody is.
        takesOver ??= table.acquire(next, claim);
        return takesOver.then(() => {});
      }),
    );
    const first = await table.acquire(await open(on, gate.address), claim);
    await first.release();
    const lease = await (takesOver ?? assert.fail('nothing was cleaned up'));
    assert.ok(removed.includes(`/${claim.resource}`), removed.join(' '));
    const [holder, ...others] = await table.contenders(next, claim.resource);
    assert.deepEqual([holder?.self, others], [true, []]);
    assert.equal(lease.isLost(), false);
    if (permits === 2) assert.equal(await probe.data(`/${claim.resource}`), '2', 'and the number of permits');
    await lease.release();
  });
}

test("trap 26: Parent deleted (container reaper, admin) between ensure and create: NoNode is retried; parent cleanup never deletes another's lock; containers used when the server supports them, fallback on UNIMPLEMENTED (no containers are asked for)", async (t) => {
  const on = scope(t);
  const table = bench();
  const proxy = await on.use(startProxy(zookeeper.address));
  const session = await open(on, proxy.address);
  const leases = [
    await table.acquire(session, { resource: 'kinds/of/lock' }),
    await table.acquire(session, { resource: 'kinds/of/semaphore', permits: 2 }),
  ];
  // Of a container it says so; of what stays by itself, 0.
  for (const path of ['/kinds', '/kinds/of', '/kinds/of/lock', '/kinds/of/semaphore'])
    assert.equal((await probe.stat(path))?.ephemeralOwner, 0n, path);
  const made = proxy.requests.filter(({ opcode }) => [1, 15, 19, 21].includes(opcode));
  assert.deepEqual(new Set(made.map(({ opcode }) => opcode)), new Set([OPCODE.CREATE]));
  for (const lease of leases) await lease.release();
  assert.equal(await probe.exists('/kinds'), false, 'what was made is taken away, from below');
});

/** A deletion of one node, by its full name. */
const deletes = (request: Request, path: string) =>
  request.opcode === OPCODE.DELETE && pathOf(request) === path;

for (const [what, late] of [
  ['deleted by an admin before', false],
  ['with its deletion on the way', true],
] as const) {
  test(`trap 27: After a parent re-creation the late ex-owner can't delete the new owner's node of the same number (delete by full GUID name, version/czxid check) (${what})`, async (t) => {
    const on = scope(t);
    const table = bench();
    const resource = `p/again-${late}`;
    let node = '';
    let meanwhile = async (): Promise<void> => {};
    const gate = await on.use(
      Gate.start(zookeeper.address, (request) => (deletes(request, node) ? meanwhile() : undefined)),
    );
    const next = await open(on, zookeeper.address);
    const first = await table.acquire(await open(on, gate.address), { resource });
    node = `/${resource}/${(await probe.children(`/${resource}`))[0]}`;
    const replace = async () => {
      await probe.remove(node);
      await probe.remove(`/${resource}`);
      return table.acquire(next, { resource });
    };
    let second = late ? undefined : await replace();
    if (late) {
      meanwhile = async () => {
        second = await replace();
      };
    } else await table.until(() => first.lost.aborted, 'it hears of that');
    await first.release();
    const lease = second ?? assert.fail('its deletion was held back');
    const [own = '', ...more] = await probe.children(`/${resource}`);
    assert.deepEqual(more, []);
    const numberOf = (name: string) => name.slice(-10);
    assert.equal(numberOf(own), numberOf(node), 'both have the same number');
    assert.notEqual(`/${resource}/${own}`, node);
    assert.equal((await probe.stat(`/${resource}/${own}`))?.czxid, lease.fencingToken);
    assert.equal(lease.isLost(), false);
    if (!late) assert.ok(first.lost.reason instanceof LeaseLostError);
    await lease.release();
  });
}
