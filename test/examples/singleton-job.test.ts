import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import type { Addresses } from '../migrating/addresses.js';
import { startServices } from '../migrating/services.js';
import { Instance } from './instance.js';
import { assertNoOverlap, overlaps, readJournal } from './journal.js';
import { CANDIDATES, type Candidate, HOSTS, placeFor, SLACK_MS } from './places.js';

let addresses: Addresses;
let services: AsyncDisposable;
before(async () => {
  ({ addresses, services } = await startServices(HOSTS));
});
after(() => services[Symbol.asyncDispose]());

async function handsOver(t: TestContext, candidate: Candidate): Promise<void> {
  const { name, ttlMs } = candidate;
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
}

async function isTakenOver(t: TestContext, candidate: Candidate): Promise<void> {
  const { name, ttlMs } = candidate;
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
}

async function wakesUpAsAWaiter(t: TestContext, candidate: Candidate): Promise<void> {
  const limitMs = 2 * candidate.ttlMs + SLACK_MS;
  const place = await placeFor(t, candidate, addresses);
  const first = await Instance.start(t, place);
  await first.leads();
  const second = await Instance.start(t, place);
  first.kill('SIGSTOP');
  await second.leads(0, limitMs);
  first.kill('SIGCONT');
  await until(() => first.stdout.includes('leads no more'), 'the first one knows');
  assert.equal((await first.answer()).leading, false);
  const toldAt = Date.now();
  second.kill('SIGTERM');
  await first.leads(toldAt, limitMs);
  first.kill('SIGTERM');
  assert.deepEqual(await first.exited, { code: 0, signal: null }, first.stderr);
  assertNoOverlap(place.journal);
}

// Most of this is waiting for timeouts: the services side by side, those of one service after each other: they share a lock.
describe('the example of the singleton job', { concurrency: 3 }, () => {
  for (const candidate of CANDIDATES) {
    describe(candidate.name, { concurrency: 1 }, () => {
      test(`${candidate.name}: of two instances both serve and one leads; SIGTERM of the leader hands over`, (t) =>
        handsOver(t, candidate));
      test(`${candidate.name}: kill -9 of the leader hands over when the lock has timed out, at the latest`, (t) =>
        isTakenOver(t, candidate));
      if (!candidate.expires) return;
      test(`${candidate.name}: a leader that was frozen leads no more when it wakes, and stands in line again`, (t) =>
        wakesUpAsAWaiter(t, candidate));
    });
  }
});

test('without a lock that both know, two lead at once, and the journal shows it', async (t) => {
  // A service within one process: each instance has its own.
  const place = await placeFor(t, { urlOf: () => 'memory:', ttlMs: 4000 }, addresses);
  const instances = [await Instance.start(t, place), await Instance.start(t, place)];
  for (const instance of instances) await instance.leads();
  await until(() => overlaps(readJournal(place.journal)).length > 0, 'the journal shows two at once');
});
