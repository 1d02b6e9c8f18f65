import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { Probe } from '../helpers/zk-probe.js';
import { type Ensemble, startEnsemble } from '../helpers/zookeeper.js';

let ensemble: Ensemble;
before(async () => {
  // A cut is noticed after a second instead of five.
  ensemble = await startEnsemble(3, { tickTime: 200, config: ['syncLimit=5'] });
});
after(() => ensemble[Symbol.asyncDispose]());

afterEach(async () => {
  // What a failed test has left cut would fail the next one.
  for (const server of ensemble.servers) ensemble.heal(server);
  await whole();
});

/** All three serve again. */
async function whole(): Promise<void> {
  await until(async () => (await ensemble.followers()).length === 2, 'two servers follow');
}

test('an ensemble has one leader and two followers, and every server shows the same data', async () => {
  assert.equal((await ensemble.followers()).length, 2);
  assert.equal(await (await ensemble.leader()).mode(), 'leader');
  assert.equal(ensemble.hosts.split(',').length, 3);
  await using one = await Probe.open(ensemble.server(0).address);
  await one.create('/seen', 'everywhere');
  for (const server of ensemble.servers) {
    await using probe = await Probe.open(server.address);
    await until(async () => (await probe.data('/seen')) === 'everywhere', `${server.address} shows the data`);
  }
});

test('when the leader is killed another is elected, and the old one comes back as a follower', async () => {
  const old = await ensemble.leader();
  await old.kill();
  const elected = await ensemble.leader();
  assert.notEqual(elected, old);
  await old.start();
  assert.equal(await old.mode(), 'follower');
  await whole();
});

test('a follower that is cut off still answers reads, but acknowledges no write', async () => {
  const [follower] = await ensemble.followers();
  assert.ok(follower);
  await using onFollower = await Probe.open(follower.address);
  // A session's requests are answered in order: a read behind a write that hangs would hang, too.
  await using writer = await Probe.open(follower.address, { limitMs: 500 });
  await using onLeader = await Probe.open((await ensemble.leader()).address);
  await onFollower.create('/cut', 'before');
  ensemble.cut(follower);
  const write = assert.rejects(writer.setData('/cut', 'lost'), /no answer|CONNECTION_LOSS/);
  assert.equal(await onFollower.data('/cut'), 'before');
  assert.equal(await follower.fourLetter('ruok'), 'imok');
  await onLeader.setData('/cut', 'during');
  assert.equal(await onFollower.data('/cut'), 'before');
  await write;
  await until(async () => (await follower.mode()) === undefined, 'the follower gives up');
  assert.equal(await onLeader.data('/cut'), 'during');
  ensemble.heal(follower);
  await whole();
  await using healed = await Probe.open(follower.address);
  await until(async () => (await healed.data('/cut')) === 'during', 'the follower has caught up');
});

test('a leader that is cut off is replaced, and follows when it is healed', async () => {
  const old = await ensemble.leader();
  ensemble.cut(old);
  const elected = await until(
    async () => {
      const leader = await ensemble.leader();
      return leader !== old && leader;
    },
    'another server leads',
    20_000,
  );
  await using probe = await Probe.open(elected.address);
  await probe.create('/after-election');
  ensemble.heal(old);
  await whole();
  assert.equal(await old.mode(), 'follower');
});
