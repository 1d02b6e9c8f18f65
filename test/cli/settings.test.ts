import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ZOOKEEPER_TRAITS } from '../../src/backend/traits.js';
import { leaseBudget } from '../../src/backend/zookeeper/timing.js';
import { parse } from '../../src/cli/parse.js';
import type { Settings } from '../../src/cli/settings.js';
import { lockIdOf } from '../../src/supervisor/lock-id.js';

function settings(options: readonly string[], env: NodeJS.ProcessEnv = {}, command = ['true']): Settings {
  const request = parse([...options, '--', ...command], env);
  assert.equal(request.kind, 'run');
  // The line above is the narrowing that `assert.equal` cannot express.
  return (request as Extract<typeof request, { kind: 'run' }>).settings;
}

test('lockex without options asks a ZooKeeper on this host for a lock named after the command', () => {
  const { service, ...rest } = settings([]);
  assert.deepEqual(service, {
    url: 'zk://localhost:2181',
    chosenBy: 'default',
    ttlMs: 15_000,
    connectLimitMs: 15_000,
    connectAttempts: Number.POSITIVE_INFINITY,
    traits: ZOOKEEPER_TRAITS,
    budget: leaseBudget(15_000, undefined),
    auth: undefined,
    acl: 'open',
    tls: undefined,
  });
  assert.deepEqual(rest, {
    resource: `lockex/${lockIdOf(['true'])}`,
    lockId: lockIdOf(['true']),
    named: false,
    permits: 1,
    mode: 'exclusive',
    waiting: { how: 'blocking', limitMs: undefined },
    attempts: 1,
    conflictStatus: 1,
    command: { file: 'true', args: [] },
    stopSignal: 'SIGTERM',
    isolation: 'auto',
    killAfterMs: 10_000,
    lossGraceMs: undefined,
    holdMs: 0,
    handoverDelayMs: 0,
    log: { level: 'info', format: undefined },
  });
});

describe('lockex passes the command on untouched', () => {
  const words = ['c', ' ', '', '--', '-n', '--lockid=x', "'", '"q"', 'a\nb', '$HOME', '*', 'ü', '--help'];
  test('whatever its words look like', () => {
    assert.deepEqual(settings(['-n'], {}, words).command, { file: 'c', args: words.slice(1) });
  });
  test('with --shell, as one line for /bin/sh', () => {
    const { command, lockId } = settings(['--shell'], {}, ['echo a', '|', 'wc']);
    assert.deepEqual(command, { file: '/bin/sh', args: ['-c', 'echo a | wc'] });
    assert.equal(lockId, lockIdOf(['/bin/sh', '-c', 'echo a | wc']));
  });
});

describe('lockex reads a value wherever it is put', () => {
  const SPELLINGS = [['-i', 'x'], ['-ix'], ['-i=x'], ['-nix'], ['--lockid', 'x'], ['--lockid=x']];
  for (const spelling of SPELLINGS) {
    test(spelling.join(' '), () => assert.equal(settings(spelling).lockId, 'x'));
  }
  test('quotes in a value are part of it', () => {
    assert.equal(settings([`--lockid="x"`]).lockId, '"x"');
    assert.equal(settings([`-i'x'`]).lockId, "'x'");
  });
  test('a number below nothing is a value', () => {
    assert.equal(settings(['-R', '-1', '-r-1']).attempts, Number.POSITIVE_INFINITY);
  });
});

test('seconds may be fractions, and may have a unit', () => {
  const limit = (text: string) => {
    const { waiting } = settings(['-t', text]);
    return waiting.how === 'blocking' ? waiting.limitMs : 'once';
  };
  assert.deepEqual(
    ['15', '1.5', '.5', '500ms', '15s', '2m', '1h'].map(limit),
    [15_000, 1500, 500, 500, 15_000, 120_000, 3_600_000],
  );
  assert.equal(limit('0'), 'once');
});

test('a signal has a name, a longer name and a number', () => {
  for (const text of ['TERM', 'SIGTERM', 'sigterm', '15'])
    assert.equal(settings(['-s', text]).stopSignal, 'SIGTERM');
  assert.equal(settings(['-sHUP']).stopSignal, 'SIGHUP');
});

test('who does not want to wait tries each server once, and connects no longer than he waits', () => {
  assert.equal(settings(['-n', '-z', 'a,b,c']).service.connectAttempts, 3);
  assert.equal(settings(['-n', '-z', 'a,b,c', '-R', '2']).service.connectAttempts, 2);
  assert.equal(settings(['-z', 'a,b,c', '-R', '5']).service.connectAttempts, 5);
  assert.equal(settings(['-t', '2']).service.connectLimitMs, 2000);
  assert.equal(settings(['-t', '20']).service.connectLimitMs, 15_000);
});

describe('the command line wins over the environment', () => {
  test('option by option', () => {
    const env = { LOCKEX_LOCKID: 'env', LOCKEX_LOCKPATH: 'path', LOCKEX_KILL_AFTER: '3' };
    assert.equal(settings([], env).resource, 'path/env');
    assert.equal(settings(['-i', 'typed'], env).resource, 'path/typed');
    assert.equal(settings([], env).killAfterMs, 3000);
  });
  test('and silences the rivals of an option, too', () => {
    assert.deepEqual(settings(['-t', '5'], { LOCKEX_ONCE: '1' }).waiting, { how: 'blocking', limitMs: 5000 });
    assert.deepEqual(settings(['-n'], { LOCKEX_LOCKTIMEOUT: '5' }).waiting, { how: 'once' });
    assert.deepEqual(settings(['--blocking'], { LOCKEX_ONCE: '1' }).waiting, {
      how: 'blocking',
      limitMs: undefined,
    });
    assert.deepEqual(settings(['--blocking'], { LOCKEX_LOCKTIMEOUT: '5' }).waiting, {
      how: 'blocking',
      limitMs: 5000,
    });
    assert.deepEqual(settings([], { LOCKEX_BLOCKING: 'no' }).waiting, { how: 'once' });
    assert.equal(settings(['--log-level', 'warn'], { LOCKEX_QUIET: '1' }).log.level, 'warn');
    assert.equal(settings([], { LOCKEX_QUIET: '1' }).log.level, 'error');
  });
  test('and switches off what the environment switches on', () => {
    assert.equal(settings(['--no-quiet'], { LOCKEX_QUIET: '1' }).log.level, 'info');
    assert.equal(settings(['--no-quiet'], { LOCKEX_QUIET: '1', LOCKEX_LOG_LEVEL: 'warn' }).log.level, 'warn');
    const env = { LOCKEX_LOCAL: '1', ZKHOSTS: 'z:1' };
    assert.equal(settings(['--no-local'], env).service.url, 'zk://z:1');
    assert.equal(settings(['--local=false'], env).service.chosenBy, 'ZKHOSTS');
    assert.equal(settings([], env).service.chosenBy, 'LOCKEX_LOCAL');
    assert.equal(settings([], { ...env, LOCKEX_LOCAL: '0' }).service.chosenBy, 'ZKHOSTS');
  });
});

describe('the lock service is chosen by the command line, then by LOCKEX_*, then by ZKHOSTS', () => {
  const chosen = (options: readonly string[], env: NodeJS.ProcessEnv) => {
    const { url, chosenBy } = settings(options, env).service;
    return `${url} by ${chosenBy}`;
  };
  const env = { ZKHOSTS: 'old:1', LOCKEX_ZKHOSTS: 'new:1' };
  test('in that order', () => {
    assert.equal(chosen([], { ZKHOSTS: 'old:1' }), 'zk://old:1 by ZKHOSTS');
    assert.equal(chosen([], env), 'zk://new:1 by LOCKEX_ZKHOSTS');
    assert.equal(chosen(['-z', 'typed:1'], env), 'zk://typed:1 by --zkhosts (-z)');
    assert.equal(chosen(['--local'], env), 'undefined by --local');
    assert.equal(chosen(['--url', 'file:///x'], env), 'file:///x by --url');
    assert.equal(chosen([], { ZKHOSTS: 'old:1', LOCKEX_URL: 'file:///x' }), 'file:///x by LOCKEX_URL');
  });
  test('spaces and IPv6 addresses are allowed', () => {
    assert.equal(settings(['-n', '-z', '[::1]:2181, ::1 , a:1/app']).service.connectAttempts, 3);
    assert.equal(chosen([], { LOCKEX_URL: ' zk://a:1\n' }), 'zk://a:1 by LOCKEX_URL');
    assert.equal(chosen([], { ZKHOSTS: ' a:1, b:1 ' }), 'zk://a:1, b:1 by ZKHOSTS');
  });
});

test('a URL in the environment may have a password, which no other user can read there', () => {
  const url = 'redis://me:s3cret@a';
  assert.equal(settings([], { LOCKEX_URL: url }).service.url, url);
});

test('credentials in the environment that are another service’s are left alone', () => {
  const env = { LOCKEX_ZK_ACL: 'creator', LOCKEX_ZK_AUTH_FILE: 'zk', LOCKEX_TLS_CA: 'ca' };
  const { auth, acl, tls } = settings(['--url', 'memcached://a'], env).service;
  assert.deepEqual([auth, acl, tls], [undefined, 'open', undefined]);
  assert.deepEqual(settings(['-z', 'a'], env).service.auth, { option: 'zk-auth-file', path: 'zk' });
});

describe('MEMCACHE_SERVERS and MEMCACHE_KEY of distmutex', () => {
  const env = { MEMCACHE_SERVERS: 'm:1,n', MEMCACHE_KEY: 'job' };
  test('name the servers and the lock', () => {
    const { service, lockId, named } = settings([], env);
    assert.deepEqual(
      [service.url, service.chosenBy, lockId, named],
      ['memcached://m:1,n', 'MEMCACHE_SERVERS', 'job', true],
    );
    assert.equal(settings(['--url', 'memcached://o'], { MEMCACHE_KEY: 'job' }).lockId, 'job');
  });
  test('are weaker than what is said to lockex', () => {
    assert.equal(settings(['-i', 'typed'], env).lockId, 'typed');
    assert.equal(settings([], { ...env, LOCKEX_LOCKID: 'own' }).lockId, 'own');
    assert.equal(settings(['-z', 'typed:1'], env).service.url, 'zk://typed:1');
  });
  test('beside another service name nothing', () => {
    assert.equal(settings(['-z', 'z:1'], env).lockId, lockIdOf(['true']));
    assert.equal(settings([], { MEMCACHE_KEY: '' }).named, false);
  });
  test('beside ZKHOSTS contradict it', () => {
    assert.throws(
      () => settings([], { ...env, ZKHOSTS: 'z:1' }),
      /expected ZKHOSTS or MEMCACHE_SERVERS, got both/,
    );
  });
});

test('a path may have a slash before and after it', () => {
  assert.equal(settings(['-p', '/a/b/', '-i', 'c/d']).resource, 'a/b/c/d');
});

test('help and version win over everything else before --, and nothing after it', () => {
  assert.equal(parse(['--bogus', '--help'], {}).kind, 'help');
  assert.equal(parse(['-h'], {}).kind, 'help');
  assert.equal(parse(['--version', 'x'], {}).kind, 'version');
  assert.equal(parse(['--', 'x', '--help'], {}).kind, 'run');
});
