import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { type Lockex, lockex } from '../helpers/lockex.js';
import { alive } from '../helpers/processes.js';
import { type Scope, scope } from '../helpers/scope.js';
import { type TempDir, tempDir } from '../helpers/temp.js';
import { running, STAYS } from './stage.js';

/** A directory for locks, and its URL. */
async function lockDirectory(on: Scope): Promise<{ dir: TempDir; url: string }> {
  const dir = await on.use(tempDir('local'));
  return { dir, url: `file://${dir.path}` };
}

/** Starts a run on a directory; without `-i` the lock is the command's. */
function start(
  on: Scope,
  url: string,
  options: readonly string[],
  command: readonly string[],
): Promise<Lockex> {
  return on.use(lockex(['--url', url, ...options, '--', ...command]));
}

/** Waits until it says that it waits for a holder. */
async function waits(it: Lockex, holder?: Lockex): Promise<void> {
  const text = holder === undefined ? 'waiting: held by' : `:${holder.pid} `;
  await until(() => it.hasLogged('waiting: held by') && it.stderr.includes(text), 'it says that it waits');
}

test('lockex --local -- echo hello: no server, no set-up, no option more', async (t) => {
  const on = scope(t);
  const it = await on.use(lockex(['--local', '--', 'echo', 'hello']));
  assert.deepEqual(await it.exited, { code: 0, signal: null });
  assert.equal(it.stdout, 'hello\n');
  assert.match(
    String(it.logs[0]?.['msg']),
    /^lock lockex\/\w+ \(that of echo hello\) at file:\/\/\S+ \(--local\); isolation: \w+$/,
  );
});

test('--local leaves an empty directory, closed to others, where every run of the user finds it', async (t) => {
  const on = scope(t);
  const seen = new Set<unknown>();
  // From cron, at a prompt, as a service: what differs between them plays no part.
  for (const env of [{}, { HOME: '/nonexistent', XDG_RUNTIME_DIR: '/nonexistent', TMPDIR: '/nonexistent' }]) {
    const id = `local-test-${process.pid}`;
    const it = await on.use(lockex(['--local', '-i', id, '--', 'true'], { env, cwd: '/' }));
    assert.deepEqual(await it.exited, { code: 0, signal: null });
    const directory = new URL(String(it.logs[0]?.['url'])).pathname;
    assert.ok(directory.endsWith(`/lockex-${process.getuid?.()}`));
    assert.equal(
      readdirSync(directory).some((name) => name.includes(id)),
      false,
    );
    seen.add(directory);
  }
  assert.equal(seen.size, 1);
});

test('the same command twice at once: the second one starts when the first one ends', async (t) => {
  const on = scope(t);
  const { dir, url } = await lockDirectory(on);
  const first = await start(on, url, [], STAYS);
  const pid = await running(first);
  const second = await start(on, url, [], STAYS);
  await waits(second, first);
  assert.equal(second.stdout, '');
  process.kill(pid, 'SIGKILL');
  assert.deepEqual(await first.exited, { code: 137, signal: null });
  await running(second);
  second.kill('SIGTERM');
  assert.deepEqual(await second.exited, { code: 143, signal: null });
  assert.deepEqual(readdirSync(dir.path), []);
});

test('another command, or another lock id, has a lock of its own', async (t) => {
  const on = scope(t);
  const { url } = await lockDirectory(on);
  await running(await start(on, url, [], STAYS));
  for (const [options, command] of [
    [[], ['echo', 'other']],
    [[], ['echo', 'other words']],
    [['-i', 'another'], STAYS],
  ] as const) {
    const it = await start(on, url, [...options, '-n'], command);
    await until(() => it.stdout !== '', 'it runs beside the first');
  }
});

test('-c 2 lets two run at once, and the third one wait', async (t) => {
  const on = scope(t);
  const { url } = await lockDirectory(on);
  const two = [await start(on, url, ['-c', '2'], STAYS), await start(on, url, ['-c', '2'], STAYS)];
  for (const it of two) await running(it);
  const third = await start(on, url, ['-c', '2'], STAYS);
  await waits(third);
  assert.equal(third.stdout, '');
  two[1]?.kill('SIGTERM');
  await running(third);
});

test('--once gives up at once with status 1 when the lock is taken, and runs when it is free', async (t) => {
  const on = scope(t);
  const { dir, url } = await lockDirectory(on);
  const holder = await start(on, url, ['-i', 'x'], STAYS);
  await running(holder);
  for (const [options, code] of [
    [['--once'], 1],
    [['-t', '0.2'], 1],
    [['--once', '-E', '99'], 99],
  ] as const) {
    const it = await start(on, url, ['-i', 'x', ...options], ['echo', 'ran']);
    assert.deepEqual(await it.exited, { code, signal: null });
    assert.equal(it.stdout, '');
    assert.match(it.stderr, /not free/);
  }
  holder.kill('SIGTERM');
  await holder.exited;
  const free = await start(on, url, ['-i', 'x', '--once'], ['echo', 'ran']);
  assert.deepEqual(await free.exited, { code: 0, signal: null });
  assert.deepEqual(readdirSync(dir.path), []);
});

test('kill -9 of lockex kills its command, and the lock is free when that is dead, not before', async (t) => {
  const on = scope(t);
  const { dir, url } = await lockDirectory(on);
  const first = await start(on, url, ['-i', 'x'], STAYS);
  const pid = await running(first);
  const next = await start(
    on,
    url,
    ['-i', 'x'],
    ['sh', '-c', `grep -s "^State:.[^ZX]" /proc/${pid}/status; echo ran`],
  );
  await waits(next);
  first.kill('SIGKILL');
  assert.deepEqual(await first.exited, { code: null, signal: 'SIGKILL' });
  assert.deepEqual(await next.exited, { code: 0, signal: null });
  assert.equal(next.stdout, 'ran\n');
  assert.equal(alive(pid), false);
  await first.expectNoStray();
  assert.deepEqual(readdirSync(dir.path), []);
});

test('kill -9 of one that waits leaves nothing behind, and does not disturb the others', async (t) => {
  const on = scope(t);
  const { dir, url } = await lockDirectory(on);
  const holder = await start(on, url, ['-i', 'x'], STAYS);
  await running(holder);
  const killed = await start(on, url, ['-i', 'x'], ['echo', 'ran']);
  await waits(killed);
  killed.kill('SIGKILL');
  await killed.expectNoStray();
  assert.equal(killed.stdout, '');
  const waiter = await start(on, url, ['-i', 'x'], ['echo', 'ran']);
  await waits(waiter);
  holder.kill('SIGTERM');
  assert.deepEqual(await waiter.exited, { code: 0, signal: null });
  await holder.exited;
  assert.deepEqual(readdirSync(dir.path), []);
});

test('a file:// URL may name a directory that is not there yet, with blanks in its name', async (t) => {
  const on = scope(t);
  const { dir, url } = await lockDirectory(on);
  const it = await start(on, `${url}/not%20there/yet`, ['-i', 'x'], ['ls', dir.join('not there', 'yet')]);
  assert.deepEqual(await it.exited, { code: 0, signal: null });
  assert.equal(it.stdout, 'lockex%2Fx\n');
  assert.deepEqual(readdirSync(dir.join('not there', 'yet')), []);
});
