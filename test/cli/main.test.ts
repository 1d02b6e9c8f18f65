import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The built binary, which `npm test` builds first. */
const LOCKEX = fileURLToPath(new URL('../../bin/lockex', import.meta.url));

async function lockex(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [LOCKEX, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: 30_000,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

test('--version and --help are what was asked for, and go to stdout', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.deepEqual(await lockex(['--version']), { status: 0, stdout: `lockex ${version}\n`, stderr: '' });
  const help = await lockex(['--help']);
  assert.match(help.stdout, /^lockex \[options\] -- command \[args…\]\n\n.*\n {2}64 {6}an unusable option/s);
  assert.deepEqual([help.status, help.stderr], [0, '']);
});

test('a bad command line ends with status 64 and one plain line on stderr', async () => {
  assert.deepEqual(await lockex(['--lokid', 'x', '--', 'true']), {
    status: 64,
    stdout: '',
    stderr: 'lockex: expected an option that exists, got --lokid (did you mean --lockid?)\n',
  });
});

test('an option whose value is not UTF-8 is refused under its name', async () => {
  const child = spawn('bash', ['-c', `exec "$0" "$1" -i $'a\\xff' -- true`, process.execPath, LOCKEX], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const [status] = await once(child, 'close');
  assert.deepEqual([status, stderr], [64, 'lockex: --lockid (-i): expected UTF-8, got "a\uFFFD"\n']);
});

test('a service that is not there ends with status 69, within the time given, and no stack trace', async () => {
  const { status, stdout, stderr } = await lockex(['-z', '127.0.0.1:1', '-n', '--', 'true']);
  assert.deepEqual([status, stdout], [69, '']);
  const records = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    records.map(({ level }) => level),
    ['info', 'error'],
  );
  assert.doesNotMatch(stderr, /\bat \S+:\d+:\d+/);
});

/** Runs a program with a stderr that is full, whose reader has stopped; the status, or `undefined` for none in time. */
async function withStuckStderr(argv: readonly string[], limitMs: number): Promise<number | undefined> {
  // Python hands over a pipe that nobody reads, filled to the brim without changing how others see it.
  const script = [
    'import fcntl, os, subprocess, sys',
    'r, w = os.pipe()',
    'size = fcntl.fcntl(w, 1032)',
    'os.write(w, b"x" * size)',
    'child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stderr=w)',
    'try: sys.exit(child.wait(float(sys.argv[1])))',
    'except subprocess.TimeoutExpired: child.kill(); child.wait(); sys.exit(99)',
  ].join('\n');
  const child = spawn('python3', ['-c', script, String(limitMs / 1000), ...argv], { stdio: 'ignore' });
  const [status] = await once(child, 'close');
  return status === 99 ? undefined : status;
}

test('a reader of stderr that has stopped does not keep lockex from ending', async () => {
  assert.equal(await withStuckStderr([process.execPath, LOCKEX, '--bogus'], 30_000), 64);
});

test('...as it would keep a process that writes to the same pipe from a thread', async () => {
  const naive = `require('node:fs').write(2, 'x', () => {}); setTimeout(() => process.exit(64), 50)`;
  assert.equal(await withStuckStderr([process.execPath, '-e', naive], 2_000), undefined);
});
