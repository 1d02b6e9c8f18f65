import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { scope } from '../helpers/scope.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { bench, open, PATIENT } from './kit.js';

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper(PATIENT);
  probe = await Probe.open(zookeeper.address);
  await probe.create('/o');
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

/** What is in a lock's directory and does not contend for it. */
const STRANGERS = ['readme', 'x__lock__', 'x__lock__12', 'x__lock__00000000001', 'x__lock__ 000000001'];
const MORE_STRANGERS = [
  '__lock__9999999999',
  '__lock__--00000001',
  'lease-0000000001',
  'x__lock__٠١٢٣٤٥٦٧٨٩',
];
/** And what is in a semaphore's, and is no permit. */
const NO_PERMITS = ['readme', 'f'.repeat(31), 'f'.repeat(33), 'F'.repeat(32)];

for (const [what, permits, strangers] of [
  ['a lock', 1, [...STRANGERS, ...MORE_STRANGERS]],
  ['a semaphore', 2, [...NO_PERMITS, ...MORE_STRANGERS]],
] as const) {
  test(`trap 21: Foreign or malformed children in the directory are ignored, not crashed on, and never counted (${what})`, async (t) => {
    const on = scope(t);
    const resource = `o/strangers-${permits}`;
    await probe.create(`/${resource}`);
    for (const name of strangers) await probe.create(`/${resource}/${name}`, '\0\ufffd:');
    const table = bench();
    const session = await open(on, zookeeper.address);
    const held = [];
    for (let n = 0; n < permits; n += 1) held.push(await table.acquire(session, { resource, permits }));
    const waiter = await table.wait(await open(on, zookeeper.address), { resource, permits });
    assert.equal(await table.tryAcquire(session, { resource, permits }), undefined);
    assert.equal(waiter.told.at(-1)?.length, permits + 1, 'who waits is told of holders and itself');
    assert.equal((await table.contenders(session, resource)).length, permits + 1);
    await held[0]?.release();
    await (await table.granted(waiter)).release();
    await held[1]?.release();
    assert.deepEqual(await probe.children(`/${resource}`), [...strangers].sort(), 'and they are left alone');
  });
}

test('trap 21: Foreign or malformed children in the directory are ignored, not crashed on, and never counted (a contender that wrote what nobody can read)', async (t) => {
  const on = scope(t);
  const resource = 'o/unreadable';
  await probe.create(`/${resource}`);
  const table = bench();
  const session = await open(on, zookeeper.address);
  for (const data of [
    '',
    '\0',
    ':',
    `${'x'.repeat(5000)}:1`,
    'host:notanumber',
    '\u{1f512}:99999999999999999999 \n',
  ]) {
    const before = await probe.create(`/${resource}/${'f'.repeat(32)}__lock__`, data, 'ephemeral-sequential');
    const waiter = await table.wait(session, { resource });
    assert.deepEqual(
      waiter.told.at(-1)?.map(({ state }) => state),
      ['holding', 'waiting'],
    );
    assert.equal((await table.contenders(session, resource)).length, 2);
    await probe.remove(before);
    await (await table.granted(waiter)).release();
    await probe.create(`/${resource}`).catch(() => {});
  }
});
