import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import type { Addresses } from '../migrating/addresses.js';
import { startServices } from '../migrating/services.js';
import { Instance, type Place } from './instance.js';
import { overlaps, readJournal } from './journal.js';

const TTL_MS = 6000;
/** What a takeover after a crash may take beyond the timeout: a tick of the server, a poll, a busy machine. */
const SLACK_MS = 4000;

let addresses: Addresses;
let services: AsyncDisposable;
before(async () => {
  ({ addresses, services } = await startServices(['zk1 etcd1 redis1 mc1']));
});
after(() => services[Symbol.asyncDispose]());

let places = 0;

/** A place of a test's own: in a service that all share, the lock of the example is free again when the test is over. */
async function place(t: TestContext, urlOf: (directory: string) => string): Promise<Place> {
  const dir = await scope(t).use(tempDir('singleton'));
  places += 1;
  return { url: urlOf(dir.path), ttlMs: TTL_MS, journal: dir.join('journal.jsonl') };
}

const SERVICES: readonly (readonly [string, (directory: string) => string])[] = [
  ['ZooKeeper', () => `zk://${addresses.zookeeper}/place-${places}`],
  ['etcd', () => `etcd://${addresses.etcd}`],
  ['redis', () => `redis://${addresses.redis}`],
  ['memcached', () => `memcached://${addresses.memcached}`],
  ['files', (directory) => `file://${directory}/locks`],
];

/** Nobody led beside another, all the time. */
function assertNoOverlap(at: Place): void {
  assert.deepEqual(overlaps(readJournal(at.journal)), []);
}

for (const [name, urlOf] of SERVICES) {
  test(`${name}: of two instances both serve and one leads; SIGTERM of the leader hands over`, async (t) => {
    const at = await place(t, urlOf);
    const first = await Instance.start(t, at);
    await first.leads();
    const second = await Instance.start(t, at);
    const answers = await Promise.all([first.answer(), second.answer()]);
    assert.deepEqual(
      answers.map(({ leading }) => leading),
      [true, false],
    );
    const leader = answers[0]?.instance;
    assert.ok(leader?.endsWith(`:${first.pid}`));
    assert.deepEqual(
      answers.map((answer) => answer.leader),
      [leader, leader],
    );
    assert.deepEqual(second.led, []);
    const toldAt = Date.now();
    first.kill('SIGTERM');
    assert.deepEqual(await first.exited, { code: 0, signal: null }, first.stderr);
    const { from } = await second.leads();
    t.diagnostic(`${name}: the next one led ${from - toldAt} ms after SIGTERM`);
    assert.ok(from - toldAt < TTL_MS / 2, `${from - toldAt} ms: not by a timeout`);
    second.kill('SIGTERM');
    assert.deepEqual(await second.exited, { code: 0, signal: null }, second.stderr);
    assertNoOverlap(at);
  });

  test(`${name}: kill -9 of the leader hands over when the lock has timed out, at the latest`, async (t) => {
    const at = await place(t, urlOf);
    const first = await Instance.start(t, at);
    await first.leads();
    const second = await Instance.start(t, at);
    const killedAt = Date.now();
    first.kill('SIGKILL');
    const { from } = await second.leads(killedAt, 2 * TTL_MS + SLACK_MS);
    t.diagnostic(`${name}: the next one led ${from - killedAt} ms after kill -9`);
    assert.ok(from - killedAt < TTL_MS + SLACK_MS, `${from - killedAt} ms`);
    second.kill('SIGTERM');
    assert.deepEqual(await second.exited, { code: 0, signal: null }, second.stderr);
    assertNoOverlap(at);
  });
}

for (const [name, urlOf] of SERVICES.filter(([each]) => each !== 'files')) {
  test(`${name}: a leader that was frozen leads no more when it wakes, and stands in line again`, async (t) => {
    const at = await place(t, urlOf);
    const first = await Instance.start(t, at);
    await first.leads();
    const second = await Instance.start(t, at);
    first.kill('SIGSTOP');
    await second.leads(0, 2 * TTL_MS + SLACK_MS);
    first.kill('SIGCONT');
    await until(() => first.stdout.includes('leads no more'), 'the first one knows');
    assert.equal((await first.answer()).leading, false);
    const toldAt = Date.now();
    second.kill('SIGTERM');
    await first.leads(toldAt, 2 * TTL_MS + SLACK_MS);
    first.kill('SIGTERM');
    assert.deepEqual(await first.exited, { code: 0, signal: null }, first.stderr);
    assertNoOverlap(at);
  });
}

test('without a lock that both know, two lead at once, and the journal shows it', async (t) => {
  // A service within one process: each instance has its own.
  const at = await place(t, () => 'memory:');
  const instances = [await Instance.start(t, at), await Instance.start(t, at)];
  for (const instance of instances) await instance.leads();
  await until(() => overlaps(readJournal(at.journal)).length > 0, 'the journal shows two at once');
});
