import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseBudget, wholeSeconds } from '../../../src/backend/etcd/timing.js';
import { serviceOf } from '../../../src/backend/registry.js';
import { startEtcd } from '../../helpers/etcd.js';
import { scope } from '../../helpers/scope.js';
import { claim, never, open } from './kit.js';

test('a time to live is rounded up to whole seconds', () => {
  assert.deepEqual([200, 1000, 1001, 15_000].map(wholeSeconds), [1000, 1000, 2000, 15_000]);
  assert.equal(leaseBudget(3500, undefined).ttlMs, 4000);
  assert.equal(serviceOf('etcd://a,b').budget(15_000, undefined)?.ttlMs, 15_000);
});

test('the time line is that of the time to live which etcd really gave', async (t) => {
  const on = scope(t);
  // One and a half election timeouts are the shortest that it gives.
  const etcd = await on.use(startEtcd({ electionMs: 4000 }));
  const backend = await on.use(open(etcd.hosts, { ttlMs: 2000 }));
  const lease = await backend.acquire(claim(), never);
  assert.equal(lease.budget?.ttlMs, 6000);
  await lease.release();

  const odd = await on.use(open(etcd.hosts, { ttlMs: 7500 }));
  const rounded = await odd.acquire(claim(), never);
  assert.equal(rounded.budget?.ttlMs, 8000);
  await rounded.release();
});
