import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim } from '../../src/backend/contract.js';
import { leaseBudget } from '../../src/backend/zookeeper/timing.js';
import { commandEnvironment } from '../../src/supervisor/environment.js';

const claim: Claim = {
  resource: 'lockex/x',
  permits: 1,
  mode: 'exclusive',
  identity: { host: 'db1', pid: 42, command: 'c' },
};

test('the command sees which lock it runs under, as whom, and its fencing token', () => {
  const env = commandEnvironment({ PATH: '/bin' }, claim, 'x', {
    fencingToken: 77n,
    budget: leaseBudget(4000, undefined),
    evidence: '{}',
  });
  assert.deepEqual(env, {
    PATH: '/bin',
    LOCKEX_LOCK_ID: 'x',
    LOCKEX_LOCK_PATH: '/lockex/x',
    LOCKEX_HOLDER: 'db1:42',
    LOCKEX_FENCING_TOKEN: '77',
    LOCKEX_SESSION_TIMEOUT_MS: '4000',
    LOCKEX_VERIFY: '{}',
  });
});

test('a nested run overrides what the outer one set, and never inherits what it has not', () => {
  const outer = {
    LOCKEX_LOCK_ID: 'outer',
    LOCKEX_FENCING_TOKEN: '1',
    LOCKEX_SESSION_TIMEOUT_MS: '9',
    LOCKEX_VERIFY: '{"url":"zk://outer"}',
    LOCKEX_TREE: 'abc',
  };
  const env = commandEnvironment(outer, claim, 'x', {
    fencingToken: undefined,
    budget: undefined,
    evidence: undefined,
  });
  assert.equal(env['LOCKEX_LOCK_ID'], 'x');
  assert.equal('LOCKEX_FENCING_TOKEN' in env, false);
  assert.equal('LOCKEX_SESSION_TIMEOUT_MS' in env, false);
  assert.equal('LOCKEX_VERIFY' in env, false);
  assert.equal(env['LOCKEX_TREE'], 'abc', 'the marks of the enclosing trees are kept');
});
