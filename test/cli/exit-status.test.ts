import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOfFailure, statusOfOutcome } from '../../src/cli/exit-status.js';
import * as errors from '../../src/util/errors.js';

test('lockex ends with the status of its command, 0 to 255', () => {
  for (let code = 0; code <= 255; code++) {
    assert.equal(statusOfOutcome({ how: 'command-ended', status: { how: 'exited', code } }), code);
  }
});

test('lockex ends with 128+n when its command died of signal n', () => {
  const died = (signal: NodeJS.Signals) =>
    statusOfOutcome({ how: 'command-ended', status: { how: 'killed', signal } });
  assert.deepEqual(
    [died('SIGHUP'), died('SIGINT'), died('SIGKILL'), died('SIGSEGV'), died('SIGTERM')],
    [129, 130, 137, 139, 143],
  );
});

test('lockex ends with 128+n when it was told to stop by signal n', () => {
  assert.equal(statusOfOutcome({ how: 'told-to-stop', by: 'SIGTERM' }), 143);
  assert.equal(statusOfOutcome({ how: 'told-to-stop', by: 'SIGINT' }), 130);
});

test('lockex has a status for everything that can go wrong', () => {
  const of = (error: unknown) => statusOfFailure(error, 7);
  assert.equal(of(new errors.UsageError('x')), 64);
  assert.equal(of(new errors.WrongKindError('x')), 64);
  assert.equal(of(new errors.ServiceUnreachableError('x')), 69);
  assert.equal(of(new errors.SessionLostError('x')), 69);
  assert.equal(of(new errors.LeaseLostError('expired', 'x', 0)), 75);
  assert.equal(
    statusOfOutcome({ how: 'lease-lost', error: new errors.LeaseLostError('expired', 'x', 0) }),
    75,
  );
  assert.equal(of(new errors.NotPermittedError('x')), 77);
  assert.equal(of(new errors.CommandError('not-executable', 'x')), 126);
  assert.equal(of(new errors.CommandError('not-found', 'x')), 127);
  assert.equal(of(new errors.LockNotAcquiredError('x')), 7);
  assert.equal(of(new TypeError('x')), 70);
  assert.equal(of('thrown by mistake'), 70);
});
