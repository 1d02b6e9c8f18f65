import assert from 'node:assert/strict';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { INLINE } from '../child/levels.js';
import { LOCKEX, Lockex, lockex, NODE_FIRST_PATH } from '../helpers/lockex.js';
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

/** The file name `café` in Latin-1, and what no encoding has. */
const LATIN1 = Buffer.from('caf\xe9', 'latin1');
const NO_TEXT = Buffer.of(0xff, 0xfe, 0xe9);
/** Bytes that look like UTF-8, and are none: a surrogate, a slash in too long a form, half a character. */
const NEARLY = [Buffer.of(0xed, 0xb2, 0x80), Buffer.of(0xc0, 0xaf), Buffer.of(0xf0, 0x9f, 0x94)];

/** Runs the built binary with words that are any bytes, which Node cannot start anything with. */
function bytes(on: Scope, words: readonly (string | Buffer)[], options: RunOptions = {}): Promise<Lockex> {
  const exec = '@words = map { pack "H*", $_ } @ARGV; exec { $words[0] } @words';
  const hex = [LOCKEX, ...words].map((word) => Buffer.from(word).toString('hex'));
  const env = { PATH: NODE_FIRST_PATH, ...options.env };
  return on.use(new Lockex('perl', ['-e', exec, '--', ...hex], { ...options, env }));
}

async function bytesDone(
  on: Scope,
  words: readonly (string | Buffer)[],
  options?: RunOptions,
): Promise<Lockex> {
  const it = await bytes(on, words, options);
  await it.exited;
  return it;
}

/** The words as a process has them. */
const asArgv = (words: readonly (string | Buffer)[]) =>
  Buffer.concat(words.flatMap((word) => [Buffer.from(word), Buffer.of(0)]));

for (const level of INLINE) {
  test(`trap 44: argv with spaces, quotes, newlines, \`--\`, leading dashes, empty strings and non-UTF-8 bytes arrives byte-exact; no shell unless asked (what is not UTF-8, isolation ${level})`, async (t) => {
    const on = scope(t);
    const command = [
      'sh',
      '-c',
      'cat /proc/$$/cmdline',
      'x',
      NO_TEXT,
      '\n',
      '',
      LATIN1,
      ...NEARLY,
      'ž🔒',
      '\ufffd',
    ];
    const options = ['-q', ...(await ownLock(on)), '--isolation', level];
    const it = await bytesDone(on, [...options, '--', ...command]);
    assert.equal(it.ended?.code, 0, it.stderr);
    assert.ok(it.stdoutBytes.equals(asArgv(command)), it.stdoutBytes.toString('latin1'));
    // Joined to a line by --shell, it is the same bytes.
    const line = await bytesDone(on, [...options, '--shell', '--', 'printf %s', "'a", NO_TEXT, "b'"]);
    assert.ok(line.stdoutBytes.equals(Buffer.concat([Buffer.from('a '), NO_TEXT, Buffer.from(' b')])));
  });

  test(`a command whose own name is not UTF-8 is run, is not found or cannot be run, as any other (isolation ${level})`, async (t) => {
    const on = scope(t);
    const dir = await on.use(tempDir('latin1'));
    const name = (...parts: (string | Buffer)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));
    const file = name(dir.path, '/', LATIN1);
    writeFileSync(file, '#!/bin/sh\nprintf %s "$0"\n', { mode: 0o755 });
    const options = ['-q', ...(await ownLock(on)), '--isolation', level, '--'];
    const found = await bytesDone(on, [...options, LATIN1], {
      env: { PATH: `${NODE_FIRST_PATH}:${dir.path}` },
    });
    assert.deepEqual([found.ended?.code, found.stdoutBytes.toString('hex')], [0, file.toString('hex')]);

    const missing = await bytesDone(on, [...options, name(dir.path, '/', NO_TEXT)]);
    assert.equal(missing.ended?.code, 127);
    assert.match(missing.stderr, /\/\ufffd+\\": there is no such file"/);
    chmodSync(file, 0o644);
    const closed = await bytesDone(on, [...options, file]);
    assert.equal(closed.ended?.code, 126);
    writeFileSync(file, '#!/no/such/interpreter\n');
    chmodSync(file, 0o755);
    const broken = await bytesDone(on, [...options, file]);
    assert.equal(broken.ended?.code, 127);
    assert.match(broken.stderr, /caf\ufffd\\": the file is there, but the interpreter/);
  });
}

test('a variable that is not UTF-8 reaches the command as it is, and where Node would start it altered, with a warning', async (t) => {
  const on = scope(t);
  const options = ['--log-level', 'warn', ...(await ownLock(on))];
  const command = ['--', 'sh', '-c', 'printf %s "$LATIN1"'];
  const within = async (level: string) => {
    const shell = 'LATIN1="$(printf "caf\\351")"; export LATIN1; exec "$0" "$@"';
    const words = ['-c', shell, LOCKEX, ...options, '--isolation', level, ...command];
    const it = await on.use(new Lockex('sh', words, { env: { PATH: NODE_FIRST_PATH } }));
    await it.exited;
    return it;
  };
  for (const level of INLINE) {
    const it = await within(level);
    assert.deepEqual([it.ended?.code, it.stdoutBytes, it.stderr], [0, LATIN1, '']);
  }
  const it = await within('walk');
  assert.deepEqual([it.ended?.code, it.stdout], [0, 'caf\ufffd']);
  assert.ok(it.hasLogged('the command gets LATIN1 altered'), it.stderr);
});

const DIRECT = INLINE.at(-1) ?? 'subreaper';

test('a command that is not UTF-8 has a lock of its own: two runs of the same bytes exclude each other, other bytes run', async (t) => {
  const on = scope(t);
  const dir = await on.use(tempDir('bytes'));
  const options = ['--url', `file://${dir.path}`, '--isolation', DIRECT];
  const command = (word: string | Buffer) => [
    '--',
    'sh',
    '-c',
    'echo "$LOCKEX_LOCK_ID"; read line',
    'x',
    word,
  ];
  const holder = await bytes(on, [...options, ...command(LATIN1)], { keepStdinOpen: true });
  await until(() => holder.stdout.endsWith('\n'), 'the command runs');

  const same = await bytesDone(on, [...options, '-n', ...command(LATIN1)]);
  assert.deepEqual([same.ended?.code, same.stdout], [1, '']);
  assert.ok(same.hasLogged(`(sh -c 'echo "$LOCKEX_LOCK_ID"; read line' x 'caf\ufffd')`), same.stderr);
  // Every one of them is the same text to whoever has read it as UTF-8.
  const others = [Buffer.from('caf\xe8', 'latin1'), 'caf\ufffd'];
  const ids = new Set([holder.stdout]);
  for (const word of others) {
    const other = await bytesDone(on, [...options, '-n', ...command(word)], { input: '\n' });
    assert.equal(other.ended?.code, 0, other.stderr);
    ids.add(other.stdout);
  }
  assert.equal(ids.size, 3);
  holder.write('\n');
  assert.deepEqual(await holder.exited, { code: 0, signal: null });

  const again = await bytesDone(on, [...options, ...command(LATIN1)], { input: '\n' });
  assert.deepEqual([again.ended?.code, again.stdout], [0, holder.stdout]);
});

test('trap 44: argv with spaces, quotes, newlines, `--`, leading dashes, empty strings and non-UTF-8 bytes arrives byte-exact; no shell unless asked (what is not UTF-8 is refused where Node would start the command, before it has a lock)', async (t) => {
  const on = scope(t);
  const dir = await on.use(tempDir('walk'));
  const options = ['-q', '--url', `file://${dir.path}`, '--isolation', 'walk'];
  for (const command of [['echo', LATIN1], [LATIN1], ['--shell', '--', 'echo', LATIN1]]) {
    const it = await bytesDone(on, [...options, ...(command.includes('--') ? [] : ['--']), ...command]);
    assert.deepEqual([it.ended?.code, it.stdout], [64, '']);
    const [line] = it.logs;
    assert.match(String(line?.['msg']), /^isolation walk: expected a command in UTF-8, got ".*caf\ufffd"$/);
    assert.match(String(line?.['hint']), /Node.*another level.*a shell.*; see --isolation, --shell$/);
  }
  assert.deepEqual(readdirSync(dir.path), []);
});

test('trap 44: argv with spaces, quotes, newlines, `--`, leading dashes, empty strings and non-UTF-8 bytes arrives byte-exact; no shell unless asked (what is not UTF-8 is refused before the command, under the option’s name)', async (t) => {
  const it = await bytesDone(scope(t), ['--local', '-i', LATIN1, '--', 'echo', 'ran']);
  assert.deepEqual(
    [it.ended?.code, it.stdout, it.stderr],
    [64, '', 'lockex: --lockid (-i): expected UTF-8, got "caf\ufffd"\n'],
  );
  const shell = 'LOCKEX_LOCKID=$(printf "caf\\351") exec "$0" --local -- echo ran';
  const named = await scope(t).use(new Run('sh', ['-c', shell, LOCKEX], { env: { PATH: NODE_FIRST_PATH } }));
  assert.equal((await named.exited).code, 64);
  assert.deepEqual(
    [named.stdout, named.stderr],
    ['', 'lockex: LOCKEX_LOCKID: expected UTF-8, got "caf\ufffd"\n'],
  );
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
