import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkClaim } from '../../src/backend/claim.js';
import type { Claim, Traits } from '../../src/backend/contract.js';
import { UsageError } from '../../src/util/errors.js';

const LEAST: Traits = {
  queue: 'race',
  fencing: false,
  shared: false,
  maxPermits: 1,
  waiters: false,
  handoverDelay: false,
  hold: false,
};

const claim = (part: Partial<Claim>): Claim => ({
  resource: 'a/b',
  permits: 1,
  mode: 'exclusive',
  identity: { host: 'h', pid: 1, command: 'c' },
  ...part,
});

for (const [what, part, message, hint] of [
  ['readers', { mode: 'shared' }, /has no shared mode$/, /^ZooKeeper, etcd and files/],
  ['permits', { permits: 2 }, /has locks only, no semaphores: .* got 2$/, /^ZooKeeper, etcd and files/],
  ['a handover delay', { handoverDelayMs: 1 }, /has no handover delay$/, /^ZooKeeper has one/],
] as const) {
  test(`who asks a service for ${what} that it has not is told which services have`, () => {
    assert.throws(
      () => checkClaim(claim(part), LEAST),
      (error) => error instanceof UsageError && message.test(error.message) && hint.test(error.hint ?? ''),
    );
    checkClaim(claim(part), { ...LEAST, shared: true, maxPermits: 2, handoverDelay: true });
  });
}
