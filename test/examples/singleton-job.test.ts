import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import type { Addresses } from '../migrating/addresses.js';
import { startServices } from '../migrating/services.js';
import { Instance } from './instance.js';
import { assertNoOverlap, overlaps, readJournal } from './journal.js';
import { CANDIDATES, HOSTS, placeFor, SLACK_MS } from './places.js';

let addresses: Addresses;
let services: AsyncDisposable;
before(async () => {
  ({ addresses, services } = await startServices(HOSTS));
});
after(() => services[Symbol.asyncDispose]());

for (const candidate of CANDIDATES) {
  const { name, ttlMs } = candidate;

  test(`${name}: of two instances both serve and one leads; SIGTERM of the leader hands over`, async (t) => {
    const place = await placeFor(t, candidate, addresses);
    const first = await Instance.start(t, place);
    await first.leads();
    const second = await Instance.start(t, place);
    const answers = await Promise.all([first.answer(), second.answer()]);
    const leader = answers[0].instance;
    assert.ok(leader.endsWith(`:${first.pid}`));
    assert.deepEqual(
      answers.map((answer) => [answer.leading, answer.leader]),
      [
        [true, leader],
        [false, leader],
      ],
    );
    assert.deepEqual(second.led, []);
    const toldAt = Date.now();
    first.kill('SIGTERM');
    assert.deepEqual(await first.exited, { code: 0, signal: null }, first.stderr);
    const { from } = await second.leads();
    t.diagnostic(`${name}: the next one led ${from - toldAt} ms after SIGTERM`);
    assert.ok(from - toldAt < ttlMs / 2, `${from - toldAt} ms: not by a timeout`);
    second.kill('SIGTERM');
    assert.deepEqual(await second.exited, { code: 0, signal: null }, second.stderr);
    assertNoOverlap(place.journal);
  });

  test(`${name}: kill -9 of the leader hands over when the lock has timed out, at the latest`, async (t) => {
    const place = await placeFor(t, candidate, addresses);
    const first = await Instance.start(t, place);
    await first.leads();
    const second = await Instance.start(t, place);
    const killedAt = Date.now();
    first.kill('SIGKILL');
    const { from } = await second.leads(killedAt, 2 * ttlMs + SLACK_MS);
    t.diagnostic(`${name}: the next one led ${from - killedAt} ms after kill -9`);
    assert.ok(from - killedAt < ttlMs + SLACK_MS, `${from - killedAt} ms`);
    second.kill('SIGTERM');
    assert.deepEqual(await second.exited, { code: 0, signal: null }, second.stderr);
    assertNoOverlap(place.journal);
  });
}

test('without a lock that both know, two lead at once, and the journal shows it', async (t) => {
  // A service within one process: each instance has its own.
  const place = await placeFor(t, { urlOf: () => 'memory:', ttlMs: 4000 }, addresses);
  const instances = [await Instance.start(t, place), await Instance.start(t, place)];
  for (const instance of instances) await instance.leads();
  await until(() => overlaps(readJournal(place.journal)).length > 0, 'the journal shows two at once');
});
