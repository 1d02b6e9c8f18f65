import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { LOCKEX, type Lockex, lockex } from '../helpers/lockex.js';
import { Run, type RunOptions } from '../helpers/run.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock } from './stage.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

/** The options of a run under a lock of its own. */
const options = (...more: string[]) => ['-z', zookeeper.address, '-T', '4', '-i', freshLock(), ...more];

/** Runs the built binary under a lock of its own. */
function run(
  t: TestContext,
  more: string[],
  command: readonly string[],
  how: RunOptions = {},
): Promise<Lockex> {
  return scope(t).use(lockex([...options(...more), '--', ...command], how));
}

/** A bash script in which `"$@"` is the built binary with its options. */
function script(t: TestContext, text: string, more: string[], how: RunOptions = {}): Promise<Run> {
  return scope(t).use(new Run('bash', ['-c', text, 'bash', LOCKEX, ...options(...more)], how));
}

test("trap 45: stdin, stdout, stderr inherited unbuffered (isatty preserved; closed stdout/EPIPE doesn't kill the supervision) (they are the same)", async (t) => {
  const show = 'readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2';
  const it = await script(t, `${show}; "$@" -- sh -c '${show}; :'`, ['-q'], { keepStdinOpen: true });
  assert.deepEqual(await it.exited, { code: 0, signal: null });
  const lines = it.stdout.split('\n');
  assert.equal(new Set(lines.slice(0, 3)).size, 3);
  assert.deepEqual(lines.slice(3, 6), lines.slice(0, 3));
});

test("trap 47: No fd (ZK socket, guard pipe) leaks into the child so that a daemon can't keep them open", async (t) => {
  const on = scope(t);
  const list = ['sh', '-c', 'ls /proc/$$/fd; :'];
  const [file = '', ...args] = list;
  // A high one that these tests were started with is handed on, with lockex and without.
  const without = await on.use(new Run(file, args));
  await without.exited;
  assert.match(without.stdout, /^0\n1\n2\n/);
  for (const service of [options(), ['--url', `file://${(await on.use(tempDir('fds'))).path}`]]) {
    const it = await on.use(lockex(['-q', ...service, '--', ...list]));
    assert.deepEqual(await it.exited, { code: 0, signal: null });
    assert.equal(it.stdout, without.stdout);
  }
});

test("trap 45: stdin, stdout, stderr inherited unbuffered (isatty preserved; closed stdout/EPIPE doesn't kill the supervision) (nothing of the input is read ahead)", async (t) => {
  const it = await script(t, '"$@" -- sh -c \'read line; echo "first $line"\'; cat', ['-q'], {
    input: 'one\ntwo\nthree\n',
  });
  assert.deepEqual(await it.exited, { code: 0, signal: null });
  assert.equal(it.stdout, 'first one\ntwo\nthree\n');
});

test("trap 45: stdin, stdout, stderr inherited unbuffered (isatty preserved; closed stdout/EPIPE doesn't kill the supervision) (they pass as they come, byte for byte)", async (t) => {
  const talks = 'printf "name? "; read name; printf "hello %s" "$name"; printf "\\000\\377" ; read end';
  const it = await run(t, ['-q'], ['sh', '-c', talks], { keepStdinOpen: true });
  await until(() => it.stdout === 'name? ', 'the question arrives before a newline');
  it.write('you\n');
  await until(
    () => it.stdoutBytes.equals(Buffer.from('name? hello you\0\xff', 'latin1')),
    'the answer arrives',
  );
  it.endInput();
  await it.exited;
});

test('nothing of lockex’s own goes to stdout, at any level of the log', async (t) => {
  for (const how of [['--log-level', 'trace'], ['--log-format', 'pretty'], ['-q']]) {
    const it = await run(t, how, ['echo', 'out']);
    assert.deepEqual(await it.exited, { code: 0, signal: null });
    assert.equal(it.stdout, 'out\n');
  }
});

test("trap 45: stdin, stdout, stderr inherited unbuffered (isatty preserved; closed stdout/EPIPE doesn't kill the supervision) (nobody reads stdout: the command dies of SIGPIPE as without lockex)", async (t) => {
  const it = await script(t, '"$@" -- yes | head -n 1; echo $PIPESTATUS', ['-q']);
  await it.exited;
  assert.equal(it.stdout, 'y\n141\n');
});

test("trap 45: stdin, stdout, stderr inherited unbuffered (isatty preserved; closed stdout/EPIPE doesn't kill the supervision) (nobody reads stderr: the command is watched over as before)", async (t) => {
  const on = scope(t);
  const lock = options();
  // The reader of stderr takes one line and goes; lockex says more when it is told to stop.
  const pipes =
    '{ "$@" 2>&1 >&3 3>&- | { read -r line; echo "read" >&3; }; echo "status $PIPESTATUS" >&3; } 3>&1';
  const stays =
    'exec 2>/dev/null; echo ready $LOCKEX_HOLDER; trap "echo told; exit 5" TERM; while :; do sleep 0.05; done';
  const it = await on.use(new Run('bash', ['-c', pipes, 'bash', LOCKEX, ...lock, '--', 'bash', '-c', stays]));
  const ready = await until(() => /^ready \S+:(\d+)$/m.exec(it.stdout), 'the command runs');
  await until(() => /^read$/m.test(it.stdout), 'the reader goes');
  process.kill(Number(ready[1]), 'SIGTERM');
  assert.deepEqual(await it.exited, { code: 0, signal: null });
  assert.match(it.stdout, /^told\nstatus 5\n/m);
  const next = await on.use(lockex([...lock, '-n', '--', 'true']));
  assert.deepEqual(await next.exited, { code: 0, signal: null });
});

test("trap 45: stdin, stdout, stderr inherited unbuffered (isatty preserved; closed stdout/EPIPE doesn't kill the supervision) (they are closed from the start)", async (t) => {
  for (const closed of ['<&-', '>&-', '2>&-', '<&- >&- 2>&-']) {
    const it = await script(t, `"$@" -- sh -c 'exit 9' ${closed}; echo $?`, []);
    await it.exited;
    assert.equal(it.stdout, '9\n', closed);
  }
});

test('trap 50: Wrong password/ACL/TLS fails fast with own exit code and never falls back to plaintext or world ACL; secrets absent from argv, logs and node data (where a secret does not stand)', async (t) => {
  const on = scope(t);
  const dir = await on.use(tempDir('secret'));
  const [file, secret] = [dir.join('auth'), 'correct-horse'];
  writeFileSync(file, `me:${secret}\n`, { mode: 0o600 });
  const lock = options('--zk-auth-file', file, '--zk-acl', 'creator', '--log-level', 'trace');
  const it = await on.use(lockex([...lock, '--', 'sh', '-c', 'echo ready; read x'], { keepStdinOpen: true }));
  await until(() => it.stdout === 'ready\n', 'the command runs');
  for (const pid of it.tree()) {
    for (const what of ['cmdline', 'environ']) {
      assert.doesNotMatch(readFileSync(`/proc/${pid}/${what}`, 'utf8'), /correct-horse/);
    }
  }
  const probe = await on.use(Probe.open(zookeeper.address, { digest: `me:${secret}` }));
  const texts = await textsBelow(probe, '/lockex');
  assert.match(texts.join('\n'), new RegExp(`:${it.pid}\\b`), 'the node of the lock is among them');
  assert.doesNotMatch(texts.join('\n'), /correct-horse/);
  it.endInput();
  await it.exited;
  assert.ok(it.logs.some(({ level }) => level === 'debug' || level === 'trace'));
  assert.doesNotMatch(it.stderr, /correct-horse/);
});

/** The names and data of a node and all below it. */
async function textsBelow(probe: Probe, path: string): Promise<string[]> {
  const children = await probe.children(path);
  const below = await Promise.all(children.map((child) => textsBelow(probe, `${path}/${child}`)));
  return [path, await probe.data(path), ...below.flat()];
}

test('ZKHOSTS says where the servers are, and -z wins over it', async (t) => {
  const on = scope(t);
  const env = { ZKHOSTS: zookeeper.address };
  const it = await on.use(lockex(['-T', '4', '-i', freshLock(), '--', 'true'], { env }));
  assert.deepEqual(await it.exited, { code: 0, signal: null });
  assert.match(String(it.logs[0]?.['msg']), / at zk:\/\/127\.0\.0\.1:\d+ \(ZKHOSTS\);/);
  const wrong = await on.use(lockex([...options(), '--', 'true'], { env: { ZKHOSTS: '127.0.0.1:1' } }));
  assert.deepEqual(await wrong.exited, { code: 0, signal: null });
});

test('--log-level, --log-format and -q say what is logged, and how', async (t) => {
  const logOf = async (more: string[], command: string[]) => {
    const it = await run(t, more, command);
    await it.exited;
    return it;
  };
  const usual = await logOf([], ['true']);
  assert.deepEqual(new Set(usual.logs.map(({ level }) => level)), new Set(['info']));
  assert.equal(usual.logs.length, usual.stderr.trimEnd().split('\n').length, 'each line is JSON');
  for (const line of usual.logs) {
    assert.deepEqual([line['name'], line['pid']], ['lockex', usual.pid]);
    assert.ok(Date.parse(String(line['time'])) > 0);
  }
  const debug = await logOf(['--log-level', 'debug'], ['true']);
  assert.ok(debug.logs.some(({ level }) => level === 'debug'));
  const pretty = await logOf(['--log-format', 'pretty'], ['true']);
  assert.match(pretty.stderr, /^(lockex \d\d:\d\d:\d\d [^\n]+\n){3}$/);
  assert.equal((await logOf(['-q'], ['true'])).stderr, '');
  assert.deepEqual(
    (await logOf(['-q'], ['/no/such/program'])).logs.map(({ level }) => level),
    ['error'],
  );
  assert.equal((await logOf(['--log-level', 'silent'], ['/no/such/program'])).stderr, '');
});
