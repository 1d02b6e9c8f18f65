import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hintOf } from '../../src/cli/hint.js';
import { parse } from '../../src/cli/parse.js';
import { UsageError } from '../../src/util/errors.js';

/** The one line that a bad command line ends with. */
function refusal(argv: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  try {
    parse(argv, env);
  } catch (error) {
    assert.ok(error instanceof UsageError, `${error}`);
    assert.doesNotMatch(error.message + error.hint, /\n/);
    const hint = hintOf(error, undefined);
    return hint === undefined ? error.message : `${error.message} (${hint})`;
  }
  return assert.fail(`accepted: ${argv.join(' ')}`);
}

/** Options put before a good command. */
const withOptions = (...options: string[]) => refusal([...options, '--', 'true']);

describe('lockex refuses a command line with one line that says what was expected and what came', () => {
  const CASES: readonly (readonly [string, readonly string[], string])[] = [
    [
      'an unknown option',
      ['--bogus'],
      'expected an option that exists, got --bogus (lockex --help lists them)',
    ],
    [
      'a slip in a name',
      ['--lokid', 'x'],
      'expected an option that exists, got --lokid (did you mean --lockid?)',
    ],
    [
      'a slip glued to a value',
      ['--lock-id=x'],
      'expected an option that exists, got --lock-id (did you mean --lockid?)',
    ],
    ['an unknown letter', ['-y'], 'expected an option that exists, got -y (lockex --help lists them)'],
    [
      'a letter unknown in a row',
      ['-ny'],
      'expected an option that exists, got -y (lockex --help lists them)',
    ],
    ['three dashes', ['---once'], 'expected an option that exists, got ---once (did you mean --once?)'],
    ['a digit', ['-5'], 'expected an option that exists, got -5 (lockex --help lists them)'],
    [
      'a name of JavaScript',
      ['--constructor', 'x'],
      'expected an option that exists, got --constructor (lockex --help lists them)',
    ],
    ['"no" before a value', ['--no-lockid'], '--lockid (-i): expected a value, got --no-lockid'],
    ['no value', ['--lockid'], '--lockid (-i): expected a value, got none'],
    [
      'an option for a value',
      ['--lockid', '--once'],
      '--lockid (-i): expected a value, got the option --once',
    ],
    ['an option twice', ['-i', 'x', '--lockid', 'y'], '--lockid (-i): expected once, got x y'],
    ['a value for a switch', ['--shared=yes'], '--shared: expected no value, got "yes"'],
    ['a value glued to a letter', ['-n=yes'], '--once (-n): expected no value, got "yes"'],
    ['an empty id', ['-i', ''], '--lockid (-i): expected a text, got ""'],
    ['an empty id, glued', ['--lockid='], '--lockid (-i): expected a text, got ""'],
    ['an empty address', ['-z', ' '], '--zkhosts (-z): expected a text, got " "'],
    ['no permits', ['-c', '0'], '--concurrent (-c): expected a whole number from 1 to 100000, got "0"'],
    [
      'half a permit',
      ['-c', '1.5'],
      '--concurrent (-c): expected a whole number from 1 to 100000, got "1.5"',
    ],
    [
      'permits below nothing',
      ['-c', '-1'],
      '--concurrent (-c): expected a whole number from 1 to 100000, got "-1"',
    ],
    [
      'permits in hex',
      ['-c', '0x2'],
      '--concurrent (-c): expected a whole number from 1 to 100000, got "0x2"',
    ],
    [
      'a wait in words',
      ['-t', 'abc'],
      '--locktimeout (-t): expected seconds from 0 to 2147483 (15, 1.5, 500ms, 2m, 1h), got "abc"',
    ],
    [
      'a wait below nothing',
      ['-t', '-1'],
      '--locktimeout (-t): expected seconds from 0 to 2147483 (15, 1.5, 500ms, 2m, 1h), got "-1"',
    ],
    [
      'a wait longer than a timer',
      ['-t', '9999h'],
      '--locktimeout (-t): expected seconds from 0 to 2147483 (15, 1.5, 500ms, 2m, 1h), got "9999h"',
    ],
    [
      'an unknown unit',
      ['-t', '5d'],
      '--locktimeout (-t): expected seconds from 0 to 2147483 (15, 1.5, 500ms, 2m, 1h), got "5d"',
    ],
    [
      'a session without time',
      ['-T', '0'],
      '--timeout (-T): expected seconds from 0.1 to 2147483 (15, 1.5, 500ms, 2m, 1h), got "0"',
    ],
    ['no attempts', ['-R', '0'], '--retry (-R): expected a whole number from 1, or -1 for no limit, got "0"'],
    [
      'attempts below -1',
      ['-r', '-2'],
      '--lockretry (-r): expected a whole number from 1, or -1 for no limit, got "-2"',
    ],
    [
      'an unknown signal',
      ['-s', 'FOO'],
      '--signal (-s): expected a signal such as TERM, SIGTERM or 15, got "FOO"',
    ],
    ['signal 0', ['-s', '0'], '--signal (-s): expected a signal such as TERM, SIGTERM or 15, got "0"'],
    [
      'a status that is none',
      ['-E', '256'],
      '--conflict-exit-code (-E): expected a whole number from 0 to 255, got "256"',
    ],
    ['an unknown choice', ['--zk-acl', 'all'], '--zk-acl: expected one of open, creator, got "all"'],
    [
      'an unknown level',
      ['--log-level', 'loud'],
      '--log-level: expected one of trace, debug, info, warn, error, fatal, silent, got "loud"',
    ],
  ];
  for (const [what, argv, message] of CASES) {
    test(what, () => assert.equal(withOptions(...argv), message));
  }
});

describe('lockex names the slip when the command is not where it belongs', () => {
  const usage = 'lockex [options] -- command [args…]; lockex --help says more';
  const CASES: readonly (readonly [string, readonly string[], string])[] = [
    ['nothing at all', [], `expected a command, got none (${usage})`],
    ['options alone', ['-n'], `expected a command, got none (${usage})`],
    ['nothing after --', ['-n', '--'], `expected a command, got none (${usage})`],
    ['an empty word', ['--', ''], 'expected a command after --, got an empty word'],
    [
      'a missing --',
      ['sleep', '5'],
      'expected -- before the command, got "sleep" (did you mean: lockex -- sleep 5)',
    ],
    [
      'a missing -- after options',
      ['-t', '5', 'sleep', '-x'],
      'expected -- before the command, got "sleep" (did you mean: lockex -- sleep -x)',
    ],
    [
      'a late --',
      ['sleep', '--', '5'],
      'expected -- before the command, got "sleep" (did you mean: lockex -- sleep 5)',
    ],
    [
      'a line in one word',
      ['a b'],
      `expected -- before the command, got "a b" (did you mean: lockex --shell -- 'a b')`,
    ],
  ];
  for (const [what, argv, message] of CASES) {
    test(what, () => assert.equal(refusal(argv), message));
  }
});

describe('lockex refuses options that contradict each other', () => {
  const CASES: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'two services',
      ['--local', '-z', 'a:1'],
      /^expected --zkhosts \(-z\) or --local, got both \(leave one of them out\)$/,
    ],
    ['two addresses', ['--url', 'zk://a', '-z', 'a:1'], /^expected --zkhosts \(-z\) or --url, got both/],
    ['a file and a URL', ['--url', 'zk://a', '--local'], /^expected --url or --local, got both/],
    [
      'readers of a semaphore',
      ['--shared', '-c', '2'],
      /^--shared: expected --concurrent \(-c\) 1 with it, got 2/,
    ],
    [
      'not to wait, and how long',
      ['-n', '-t', '5'],
      /^expected --once \(-n\) or --locktimeout \(-t\), got both/,
    ],
    [
      'not to wait, by its other name',
      ['--no-blocking', '-t', '5'],
      /^expected --no-blocking or --locktimeout \(-t\), got both/,
    ],
    ['to wait and not to', ['-n', '--blocking'], /^expected --once \(-n\) or --blocking, got both/],
    [
      'two levels of the log',
      ['-q', '--log-level', 'debug'],
      /^expected --quiet \(-q\) or --log-level, got both/,
    ],
    [
      'a creator without credentials',
      ['--zk-acl', 'creator'],
      /^--zk-acl creator: expected --zk-auth-file with it, got none/,
    ],
    [
      'a certificate without its key',
      ['--tls-cert', 'x'],
      /^--tls-cert: expected --tls-key with it, got none/,
    ],
    [
      'a key without its certificate',
      ['--tls-key', 'x'],
      /^--tls-key: expected --tls-cert with it, got none/,
    ],
    [
      'a login of another service with ZooKeeper',
      ['-z', 'a:1', '--auth-file', 'x'],
      /^--auth-file: expected a service that takes it, got --zkhosts \(-z\) \(ZooKeeper\) \(the login of ZooKeeper is in --zk-auth-file\)$/,
    ],
    [
      'ZooKeeper’s login with another service',
      ['--url', 'redis://a', '--zk-auth-file', 'x'],
      /^--zk-auth-file: expected a ZooKeeper service with it, got --url \(redis\) \(the login of redis is in --auth-file\)$/,
    ],
    [
      'a login with a service that has none',
      ['--memcache-servers', 'a', '--auth-file', 'x'],
      /^--auth-file: expected a service that takes it, got --memcache-servers \(memcached\)$/,
    ],
    [
      'to wait for less than a handover delay',
      ['--handover-delay', '5', '-t', '5'],
      /^--handover-delay: expected less than --locktimeout \(-t\) 5 s, got 5 s \(after a crash/,
    ],
    [
      'TLS with files',
      ['--local', '--tls-ca', 'x'],
      /^--tls-ca: expected a service that takes it, got --local \(files\)/,
    ],
  ];
  for (const [what, argv, message] of CASES) {
    test(what, () => assert.match(withOptions(...argv), message));
  }
});

describe('lockex refuses what the service cannot do, without asking it', () => {
  const CASES: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'a semaphore on redis',
      ['--url', 'redis://a', '-c', '2'],
      /^--url: this lock service has locks only, no semaphores: expected one permit, got 2 \(/,
    ],
    [
      'readers on memcached',
      ['--memcache-servers', 'a', '--shared'],
      /^--memcache-servers: .* no shared mode \(/,
    ],
    [
      'a handover delay on etcd',
      ['--url', 'etcd://a', '--handover-delay', '1'],
      /^--url: .* no handover delay \(/,
    ],
    [
      'too many permits in files',
      ['--local', '-c', '65'],
      /^--local: expected permits from 1 to 64, got 65 \(/,
    ],
  ];
  for (const [what, argv, message] of CASES) {
    test(what, () => assert.match(withOptions(...argv), message));
  }
});

describe('lockex refuses names that are no names', () => {
  const CASES: readonly (readonly [string, string, string, RegExp])[] = [
    ['a dot', '-i', '.', /^--lockid \(-i\): expected names joined by "\/", got "\.": "\." is no name$/],
    ['two dots', '-p', 'a/../b', /^--lockpath \(-p\): .* got "a\/\.\.\/b": "\.\." is no name$/],
    ['an empty name', '-i', 'a//b', /^--lockid \(-i\): .*: a name is empty$/],
    ['a slash before an id', '-i', '/a', /^--lockid \(-i\): .*: a name is empty$/],
    ['a path of slashes', '-p', '//', /^--lockpath \(-p\): .*: a name is empty$/],
    [
      'a newline',
      '-i',
      'a\nb',
      /^--lockid \(-i\): .* got "a\\nb": it has a character that no name may have$/,
    ],
    ['a character that ZooKeeper refuses', '-i', 'a\uFFFD', /it has a character that no name may have$/],
    [
      'the queue of a semaphore',
      '-i',
      'x-__lock__',
      /^--lockid \(-i\): .*: a name must not end in "-__lock__"$/,
    ],
    [
      "the markers of a lock's holders",
      '-i',
      'x-__unreleased__',
      /^--lockid \(-i\): .*: a name must not end in "-__unreleased__"$/,
    ],
    [
      'the markers of minimum holds',
      '-i',
      'x-__held__',
      /^--lockid \(-i\): .*: a name must not end in "-__held__"$/,
    ],
    ["the servers' own path", '-p', 'zookeeper', /^--lockpath \(-p\): expected a path of our own/],
  ];
  for (const [what, option, value, message] of CASES) {
    test(what, () => assert.match(withOptions(option, value), message));
  }
});

test('lockex refuses an address that cannot be read, and names the option it came from', () => {
  assert.match(
    withOptions('-z', 'a:0'),
    /^--zkhosts \(-z\): ZooKeeper address: expected a port .* got "a:0"$/,
  );
  assert.match(withOptions('--url', 'zk://a/../b'), /^--url: ZooKeeper address: expected a chroot/);
  assert.match(refusal(['--', 'true'], { ZKHOSTS: 'a:b' }), /^ZKHOSTS: ZooKeeper address: expected a port/);
  assert.match(
    withOptions('--url', 'file:x'),
    /^--url: expected file:\/\/\/directory, got "file:x" \(three slashes/,
  );
  assert.match(
    refusal(['--', 'true'], { LOCKEX_URL: 'zk:a' }),
    /^LOCKEX_URL: expected zk:\/\/host:port, got no two/,
  );
});

test('lockex says where a URL goes that was given for a list of servers', () => {
  const way = /: expected host:port,…, got a URL \(zk:\/\/…\) \(a URL goes into --url, or LOCKEX_URL\)$/;
  assert.match(withOptions('-z', 'zk://:s3cret@a:1'), way);
  assert.match(refusal(['--', 'true'], { ZKHOSTS: ' zk://a' }), way);
  assert.match(
    refusal(['--', 'true'], { MEMCACHE_SERVERS: 'memcached://a' }),
    /^MEMCACHE_SERVERS: expected host:port,…, got a URL \(memcached:\/\/…\)/,
  );
});

test('lockex takes a password from no command line, does not show it, and sends nobody where it is refused, too', () => {
  const refused = (url: string) => {
    const message = withOptions('--url', url);
    assert.doesNotMatch(message, /s3cret/, url);
    return message;
  };
  for (const url of [
    'redis://:s3cret@a',
    'rediss://me:s3cret@a,b/1',
    'etcd://me:s3cret@a',
    'redis://:x@s3cret@a',
  ]) {
    assert.match(
      refused(url),
      /^--url: expected a URL without a password, got one .*use LOCKEX_URL, or --auth-file\)$/,
    );
  }
  assert.match(refused('zk://me:s3cret@a'), /got a login before "@" \(.*see --zk-auth-file\)$/);
  assert.match(
    refused('memcached://me:s3cret@a'),
    /got a login before "@" \(lockex speaks .* without SASL\)$/,
  );
  assert.match(
    refused('mysql://me:s3cret@a'),
    /^--url: expected a URL that begins with one of .*, got mysql:$/,
  );
  assert.match(withOptions('-z', 'me:s3cret@a'), /got a login before "@" \(.*see --zk-auth-file\)$/);
});

test('lockex refuses a timing that cannot hold, naming both numbers', () => {
  assert.match(
    withOptions('-T', '4', '--loss-grace', '3'),
    /^a loss grace of 3 s does not fit into a session timeout of 4 s.*; see --loss-grace, --timeout \(-T\)\)$/,
  );
});

test('lockex refuses what the environment says as it refuses an option, and names the variable', () => {
  const command = ['--', 'true'];
  assert.equal(
    refusal(command, { LOCKEX_CONCURRENT: 'two' }),
    'LOCKEX_CONCURRENT: expected a whole number from 1 to 100000, got "two"',
  );
  assert.equal(
    refusal(command, { LOCKEX_LOCKID: '' }),
    'LOCKEX_LOCKID: expected a text, got "" (to go without it, unset the variable)',
  );
  assert.match(
    refusal(command, { ZKHOSTS: ' ' }),
    /^ZKHOSTS: expected a text, got " " \(.* unset the variable\)$/,
  );
  assert.match(
    refusal(command, { LOCKEX_SHARED: 'maybe' }),
    /^LOCKEX_SHARED: expected 1 or 0 .* got "maybe"$/,
  );
  assert.match(
    refusal(command, { LOCKEX_URL: 'zk://a', LOCKEX_LOCAL: '1' }),
    /^expected LOCKEX_URL or LOCKEX_LOCAL, got both \(leave one of them out, or choose on the command line: --url, --local\)$/,
  );
  assert.match(
    refusal(command, { ZKHOSTS: 'a', MEMCACHE_SERVERS: '' }),
    /^expected ZKHOSTS or MEMCACHE_SERVERS, got both \(.*: --zkhosts, --memcache-servers\)$/,
  );
});
