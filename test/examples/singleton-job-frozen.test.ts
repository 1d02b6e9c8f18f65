import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import type { Addresses } from '../migrating/addresses.js';
import { startServices } from '../migrating/services.js';
import { Instance } from './instance.js';
import { assertNoOverlap } from './journal.js';
import { CANDIDATES, HOSTS, placeFor, SLACK_MS } from './places.js';

let addresses: Addresses;
let services: AsyncDisposable;
before(async () => {
  ({ addresses, services } = await startServices(HOSTS));
});
after(() => services[Symbol.asyncDispose]());

for (const candidate of CANDIDATES.filter(({ expires }) => expires)) {
  const { name, ttlMs } = candidate;
  const limitMs = 2 * ttlMs + SLACK_MS;

  test(`${name}: a leader that was frozen leads no more when it wakes, and stands in line again`, async (t) => {
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
  });
}
