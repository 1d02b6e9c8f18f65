import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '../../src/cli/parse.js';
import { UsageError } from '../../src/util/errors.js';

const EVIDENCE = '{"url":"zk://a:1","node":"/x"}';

function verify(options: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const request = parse(['verify', ...options], { LOCKEX_VERIFY: EVIDENCE, ...env });
  assert.ok(request.kind === 'verify');
  return request.settings;
}

test('lockex verify asks where LOCKEX_VERIFY says, and knows when nothing says it', () => {
  assert.deepEqual(verify([]).asked, { url: 'zk://a:1', evidence: EVIDENCE });
  const alone = parse(['verify'], {});
  assert.ok(alone.kind === 'verify' && alone.settings.asked === undefined);
  for (const text of ['', '[]', 'zk://a:1', '{"node":"/x"}']) {
    assert.throws(() => verify([], { LOCKEX_VERIFY: text }), /^UsageError: LOCKEX_VERIFY: expected/);
  }
});

test('-T limits it; without, 5 seconds, or the LOCKEX_TIMEOUT of the run if that is less', () => {
  assert.equal(verify([]).limitMs, 5000);
  assert.equal(verify(['-T', '60']).limitMs, 60_000);
  assert.equal(verify([], { LOCKEX_TIMEOUT: '60' }).limitMs, 5000);
  assert.equal(verify([], { LOCKEX_TIMEOUT: '2' }).limitMs, 2000);
});

test('TLS and credentials come from its own options or the environment; what is the run’s alone is left alone', () => {
  const { service } = verify(['--tls-ca', 'ca.pem'], { LOCKEX_ZK_AUTH_FILE: 'auth' });
  assert.deepEqual(service.tls, { ca: 'ca.pem', cert: undefined, key: undefined });
  assert.deepEqual(service.auth, { option: 'zk-auth-file', path: 'auth' });
  const env = { LOCKEX_ZK_ACL: 'creator', LOCKEX_LOCKID: 'x', LOCKEX_URL: 'file:///x', LOCKEX_QUIET: '1' };
  const settings = verify([], env);
  assert.deepEqual([settings.service.acl, settings.asked?.url, settings.quiet], ['open', 'zk://a:1', true]);
});

test('a login in the LOCKEX_URL of the run is used, for the servers that it is of and for no others', () => {
  const asked = (url: string, options: readonly string[] = []) =>
    verify(options, { LOCKEX_VERIFY: '{"url":"redis://a:6379,b:7000/2"}', LOCKEX_URL: url }).asked?.url;
  const without = 'redis://a:6379,b:7000/2';
  assert.equal(asked('redis://me:p$&w%2F@b:7000,a/2'), 'redis://me:p$&w%2F@a:6379,b:7000/2');
  assert.equal(asked(' redis://:pw@a,b:7000/2 '), 'redis://:pw@a:6379,b:7000/2');
  const others = [
    'redis://b:7000,a/2',
    'redis://:pw@a',
    'etcd://me:pw@a:6379,b:7000',
    'x://:pw@a',
    'redis://:p@a:x',
  ];
  for (const url of others) assert.equal(asked(url), without, url);
  assert.equal(asked('redis://me:pw@a,b:7000/2', ['--auth-file', 'auth']), without, 'what is typed wins');
});

test('its options may stand before and after the word, and no others may', () => {
  const before = parse(['-q', '-T', '2', 'verify', '--tls-ca', 'x'], { LOCKEX_VERIFY: EVIDENCE });
  assert.deepEqual(before.kind === 'verify' && before.settings, verify(['-q', '-T2', '--tls-ca=x']));
  for (const words of [
    ['-i', 'x'],
    ['-z', 'a:1'],
    ['--local'],
    ['verify'],
    ['--', 'verify'],
    ['--'],
    ['-y'],
  ]) {
    assert.throws(() => verify(words), UsageError, words.join(' '));
  }
  assert.equal(parse(['verify', '--help'], {}).kind, 'help');
  assert.equal(parse(['--', 'verify'], {}).kind, 'run');
  assert.equal(parse(['-i', 'verify', '--', 'true'], {}).kind, 'run');
});
