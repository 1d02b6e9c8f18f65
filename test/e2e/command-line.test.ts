import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { LOCKEX, type Lockex, lockex } from '../helpers/lockex.js';
import { Run, type RunOptions } from '../helpers/run.js';
import { type Scope, scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';

/** Options for a lock in a directory of the test's own. */
async function ownLock(on: Scope): Promise<string[]> {
  const dir = await on.use(tempDir('command-line'));
  return ['--url', `file://${dir.path}`, '-i', 'here'];
}

/** Runs the built binary to its end. */
async function done(on: Scope, args: readonly string[], options: RunOptions = {}): Promise<Lockex> {
  const it = await on.use(lockex(args, options));
  await it.exited;
  return it;
}

/** Runs a command under a lock of its own, with no line of the log below an error. */
async function quiet(t: TestContext, command: readonly string[], options: RunOptions = {}): Promise<Lockex> {
  const on = scope(t);
  return done(on, ['-q', ...(await ownLock(on)), '--', ...command], options);
}

const RUN = ['--', 'echo', 'ran'];

for (const [args, said] of [
  [[], /^expected a command, got none \(lockex \[options\] -- command \[args…\]; lockex --help says more\)$/],
  [['--'], /^expected a command, got none/],
  [['--', ''], /^expected a command after --, got an empty word$/],
  [['echo', 'hello'], /^expected -- before the command, got "echo" \(did you mean: lockex -- echo hello\)$/],
  [['a b'], /^expected -- before the command, got "a b" \(did you mean: lockex --shell -- 'a b'\)$/],
  [['--bogus', ...RUN], /^expected an option that exists, got --bogus/],
  [['--lokid', 'x', ...RUN], /--lokid \(did you mean --lockid\?\)$/],
  [['-c', '0', ...RUN], /^--concurrent \(-c\): expected a whole number from 1 to \d+, got "0"$/],
  [['-c', '1.5', ...RUN], /^--concurrent \(-c\): expected a whole number.*, got "1\.5"$/],
  [['-t', 'abc', ...RUN], /^--locktimeout \(-t\): expected seconds from 0 to \d+ \(.*\), got "abc"$/],
  [['-t', '-1', ...RUN], /^--locktimeout \(-t\): expected seconds .*, got "-1"$/],
  [['-T', '0.01', ...RUN], /^--timeout \(-T\): expected seconds from 0\.1 .*, got "0\.01"$/],
  [
    ['-T', '1', '--loss-grace', '10', ...RUN],
    /^a loss grace of 10 s does not fit into a session timeout of 1 s: .*\(choose a loss grace of at most 0\.42 s, or a longer session timeout; see --loss-grace, --timeout \(-T\)\)$/,
  ],
  [['-k', 'soon', ...RUN], /^--kill-after \(-k\): expected seconds .*, got "soon"$/],
  [['-s', 'FOO', ...RUN], /^--signal \(-s\): expected a signal such as TERM, SIGTERM or 15, got "FOO"$/],
  [['-E', '256', ...RUN], /^--conflict-exit-code \(-E\): expected a whole number from 0 to 255, got "256"$/],
  [['-R', '0', ...RUN], /^--retry \(-R\): expected a whole number from 1, or -1 for no limit, got "0"$/],
  [['-i', '', ...RUN], /^--lockid \(-i\): expected a text, got ""$/],
  [
    ['-i', '../x', ...RUN],
    /^--lockid \(-i\): expected names joined by "\/", got "\.\.\/x": ".." is no name$/,
  ],
  [['-i', 'a', '-i', 'b', ...RUN], /^--lockid \(-i\): expected once, got a b$/],
  [['-i', ...RUN], /^--lockid \(-i\): expected a value, got none$/],
  [['-p', 'zookeeper', ...RUN], /^--lockpath \(-p\): expected a path of our own, got "zookeeper"/],
  [['-z', '', ...RUN], /^--zkhosts \(-z\): expected a text, got ""$/],
  [['-z', 'host:port', ...RUN], /^--zkhosts \(-z\): .*expected a port from 1 to 65535, got "host:port"$/],
  [['-z', 'host:65536', ...RUN], /^--zkhosts \(-z\): .*expected a port from 1 to 65535, got "host:65536"$/],
  [['--local', '-z', 'a:1', ...RUN], /^expected --zkhosts \(-z\) or --local, got both/],
  [['--once', '-t', '3', ...RUN], /^expected --once \(-n\) or --locktimeout \(-t\), got both/],
  [['--shared', '-c', '2', ...RUN], /^--shared: expected --concurrent \(-c\) 1 with it, got 2/],
  [['--shared=yes', ...RUN], /^--shared: expected no value, got "yes"$/],
  [['--log-level', 'loud', ...RUN], /^--log-level: expected one of trace, .*silent, got "loud"$/],
  [['--log-format', 'xml', ...RUN], /^--log-format: expected one of json, pretty, got "xml"$/],
  [['--zk-acl', 'creator', ...RUN], /^--zk-acl creator: expected --zk-auth-file with it, got none/],
  [['--tls-cert', 'x', ...RUN], /^--tls-cert: expected --tls-key with it, got none$/],
] as const) {
  const words = args.map((word) => (/^[\w.:=-]+$/.test(word) ? word : `'${word}'`)).join(' ');
  test(`lockex ${words}: status 64 and one line that says what was expected and what came`, async (t) => {
    const it = await done(scope(t), args);
    assert.deepEqual([it.ended?.code, it.stdout], [64, '']);
    const [, line = ''] = /^lockex: ([^\n]*)\n$/.exec(it.stderr) ?? assert.fail(it.stderr);
    assert.match(line, said);
  });
}

test('a bad variable is refused under its own name', async (t) => {
  const it = await done(scope(t), RUN, { env: { LOCKEX_TIMEOUT: 'abc' } });
  assert.deepEqual([it.ended?.code, it.stdout], [64, '']);
  assert.match(it.stderr, /^lockex: LOCKEX_TIMEOUT: expected seconds .*, got "abc"\n$/);
});

/** Words that a shell, a careless join or an option parser would change. */
const WORDS = [
  [
    'a b',
    '  two  blanks  ',
    '',
    "it's",
    '"quoted"',
    '\\',
    '\\n',
    '$HOME',
    '`id`',
    '*',
    '~',
    '!',
    ';',
    '&',
    '#',
  ],
  ['line\nbreak', 'tab\there', 'carriage\rreturn', '\x01\x1b[31m\x7f', ' ', '\n'],
  ['--', '-', '-c', '--help', '--version', '--lockid=x', '-n', '--once', '--no-blocking', '--', '-q'],
  ['žluťoučký kůň', '日本語', '🔒🧵', 'e\u0301', '\u00e9', '\ufffd', '\u202e', '\ufeff', '\u{10ffff}'],
].flat();

test('trap 44: argv with spaces, quotes, newlines, `--`, leading dashes, empty strings and non-UTF-8 bytes arrives byte-exact; no shell unless asked (what is UTF-8)', async (t) => {
  const words = [...WORDS, 'x'.repeat(100 * 1024)];
  const it = await quiet(t, ['sh', '-c', 'cat /proc/$$/cmdline', ...words]);
  const expected = ['sh', '-c', 'cat /proc/$$/cmdline', ...words].map((word) => `${word}\0`).join('');
  assert.equal(it.ended?.code, 0, it.stderr);
  assert.ok(it.stdoutBytes.equals(Buffer.from(expected)));
  // The same words through a shell, as the Python lockex ran them, would not arrive.
  const shell = await quiet(t, ['sh', '-c', `set -- ${WORDS.slice(0, 3).join(' ')}; printf '%s\\0' "$@"`]);
  assert.notDeepEqual(shell.stdout.split('\0').slice(0, -1), WORDS.slice(0, 3));
});

test('the command’s own name is what was typed', async (t) => {
  const it = await quiet(t, ['./a b'], { cwd: (await nameWithBlank(scope(t))).path });
  assert.deepEqual([it.ended?.code, it.stdout], [0, './a b\n']);
});

async function nameWithBlank(on: Scope) {
  const dir = await on.use(tempDir('blank'));
  writeFileSync(dir.join('a b'), '#!/bin/sh\necho "$0"\n', { mode: 0o755 });
  return dir;
}

test('trap 44: argv with spaces, quotes, newlines, `--`, leading dashes, empty strings and non-UTF-8 bytes arrives byte-exact; no shell unless asked (a shell is asked for)', async (t) => {
  const on = scope(t);
  const it = await done(on, [
    '-q',
    ...(await ownLock(on)),
    '--shell',
    '--',
    'for i in 1 2; do',
    'echo $i;',
    'done',
  ]);
  assert.deepEqual([it.ended?.code, it.stdout], [0, '1\n2\n']);
});

// Node reads its arguments as UTF-8, and writes those of what it starts so: other bytes cannot pass, and README says so.
test('trap 44: argv with spaces, quotes, newlines, `--`, leading dashes, empty strings and non-UTF-8 bytes arrives byte-exact; no shell unless asked (what is not UTF-8 is refused rather than altered, in the command and before it)', async (t) => {
  for (const words of ['-- echo "$(printf "a\\377")"', '-i "$(printf "\\303")" -- echo ran']) {
    const it = await scope(t).use(new Run('sh', ['-c', `exec "$0" --local ${words}`, LOCKEX]));
    assert.deepEqual(await it.exited, { code: 64, signal: null });
    assert.equal(it.stdout, '');
    assert.match(it.stderr, /^lockex: expected arguments in UTF-8, got "a?\ufffd" \(.*\) \(.*script\)\n$/);
  }
});

test('trap 44: argv with spaces, quotes, newlines, `--`, leading dashes, empty strings and non-UTF-8 bytes arrives byte-exact; no shell unless asked (what is not UTF-8, by way of a shell)', async (t) => {
  const on = scope(t);
  const line = `exec perl -e 'print map { "<$_>" } @ARGV' -- "$(printf 'a\\377\\303')" "$(printf '\\200 b')"`;
  const it = await done(on, ['-q', ...(await ownLock(on)), '--shell', '--', line]);
  assert.equal(it.ended?.code, 0, it.stderr);
  assert.ok(it.stdoutBytes.equals(Buffer.from('<a\xff\xc3><\x80 b>', 'latin1')), it.stdout);
});

test('every option can come from the environment, and the command line wins', async (t) => {
  const on = scope(t);
  const dir = await on.use(tempDir('env'));
  const env = {
    LOCKEX_URL: `file://${dir.path}`,
    LOCKEX_LOCKID: 'from-env',
    LOCKEX_LOCKPATH: 'a/b',
    LOCKEX_LOG_LEVEL: 'error',
  };
  const show = ['--', 'sh', '-c', 'echo $LOCKEX_LOCK_PATH'];
  const it = await done(on, show, { env });
  assert.deepEqual([it.ended?.code, it.stdout, it.stderr], [0, '/a/b/from-env\n', '']);
  const other = await done(on, ['-i', 'typed', ...show], { env });
  assert.deepEqual([other.ended?.code, other.stdout], [0, '/a/b/typed\n']);
});

test('lockex says that a lock in memory keeps nobody out', async (t) => {
  const it = await done(scope(t), ['--url', 'memory:', ...RUN]);
  assert.deepEqual([it.ended?.code, it.stdout], [0, 'ran\n']);
  assert.ok(
    it.logs.some(({ level, msg }) => level === 'warn' && /no other run/.test(String(msg))),
    it.stderr,
  );
});
