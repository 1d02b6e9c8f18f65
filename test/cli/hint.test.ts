import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hintOf } from '../../src/cli/hint.js';
import {
  NotPermittedError,
  ServiceUnreachableError,
  type Setting,
  UsageError,
} from '../../src/util/errors.js';

const about = (...settings: Setting[]) => new UsageError('x', { hint: 'do it', settings });

test('a hint ends with the options that it is about, by their names on the command line', () => {
  assert.equal(hintOf(about('lossGrace', 'ttl'), undefined), 'do it; see --loss-grace, --timeout (-T)');
  assert.equal(hintOf(new UsageError('x', { hint: 'do it' }), undefined), 'do it');
  assert.equal(hintOf(new UsageError('x', { settings: ['hold'] }), undefined), 'see --hold');
  assert.equal(hintOf(new UsageError('x'), undefined), undefined);
});

test('who cannot reach a service is told what chose its address', () => {
  const error = new ServiceUnreachableError('x', { settings: ['url'] });
  assert.equal(hintOf(error, { url: 'etcd://a', chosenBy: 'LOCKEX_URL' }), 'see LOCKEX_URL');
  assert.equal(hintOf(error, { url: 'zk://a', chosenBy: 'default' }), 'see --zkhosts (-z), --url');
  assert.equal(hintOf(error, { url: 'zk://a' }), undefined);
});

test('who is not permitted is told where the login of that service comes from', () => {
  const error = new NotPermittedError('x', { settings: ['login'] });
  assert.equal(hintOf(error, { url: 'zk://a', chosenBy: '-z' }), 'see --zk-auth-file');
  assert.equal(hintOf(error, { url: 'redis://a', chosenBy: '--url' }), 'see --auth-file, LOCKEX_URL');
});
