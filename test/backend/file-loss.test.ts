import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Claim } from '../../src/backend/contract.js';
import { openFile } from '../../src/backend/file/index.js';
import { until } from '../../src/testing/until.js';
import { LeaseLostError } from '../../src/util/errors.js';
import { silentLog } from '../../src/util/log.js';
import { helpersOf, keeperOfHolder, notesIn } from '../helpers/file-backend.js';
import { ManualClock } from '../helpers/manual-clock.js';
import { alive } from '../helpers/processes.js';
import { type TempDir, tempDir } from '../helpers/temp.js';

const never = new AbortController().signal;
const claim: Claim = {
  resource: 'r',
  permits: 1,
  mode: 'exclusive',
  identity: { host: 'h', pid: 1, command: 'c' },
};

async function held(dir: TempDir) {
  const clock = new ManualClock();
  const backend = await openFile(dir.path, { clock, log: silentLog });
  return { clock, backend, lease: await backend.acquire(claim, never) };
}

test('a lease whose directory is removed is lost within a second, and another may hold', async () => {
  await using dir = await tempDir('file-loss');
  const { clock, backend, lease } = await held(dir);
  clock.advance(1000);
  assert.equal(lease.lost.aborted, false);
  rmSync(dir.join('r'), { recursive: true });
  clock.advance(1000);
  const { reason } = lease.lost;
  assert.ok(reason instanceof LeaseLostError);
  assert.deepEqual([reason.lossCause, reason.remainingMs], ['deleted', 0]);
  const other = await backend.acquire(claim, never);
  await lease.release();
  assert.equal(other.isLost(), false);
  assert.equal(await backend.tryAcquire(claim, never), undefined);
  await backend[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(dir.path), []);
});

test('a lease whose file is replaced is lost as soon as it is asked', async () => {
  await using dir = await tempDir('file-loss');
  const { backend, lease } = await held(dir);
  assert.equal(lease.isLost(), false);
  rmSync(dir.join('r', 'slot-0'));
  writeFileSync(dir.join('r', 'slot-0'), '');
  assert.equal(lease.isLost(), true);
  await backend[Symbol.asyncDispose]();
});

test('a lock that is held for long looks used to cleaners, and says since when it is held all the same', async () => {
  await using dir = await tempDir('file-loss');
  const { clock, backend } = await held(dir);
  const note = join(dir.path, notesIn(dir.path)[0] ?? '');
  const files = [dir.join('r'), dir.join('r', 'slot-0'), note];
  const longAgo = new Date(2001, 0, 1);
  for (const file of files) utimesSync(file, longAgo, longAgo);
  clock.advance(29 * 60_000);
  for (const file of files) assert.equal(statSync(file).atimeMs, longAgo.getTime());
  clock.advance(60_000);
  for (const file of files) assert.notEqual(statSync(file).atimeMs, longAgo.getTime(), file);
  assert.equal((await backend.contenders('r', never))[0]?.since?.getTime(), longAgo.getTime());
  await backend[Symbol.asyncDispose]();
});

test('a keeper that was stopped does not keep the lock from being given back', async () => {
  await using dir = await tempDir('file-loss');
  const { clock, backend, lease } = await held(dir);
  const keeper = keeperOfHolder(dir.path);
  process.kill(keeper, 'SIGSTOP');
  const releasing = lease.release();
  clock.advance(2000);
  await releasing;
  await until(() => !alive(keeper), 'the keeper is gone');
  assert.deepEqual([readdirSync(dir.path), helpersOf(dir.path)], [[], []]);
  await (await backend.acquire(claim, never)).release();
  await backend[Symbol.asyncDispose]();
});

test('a keeper takes no notice of the signals that a terminal or a careless kill sends', async () => {
  await using dir = await tempDir('file-loss');
  const { backend, lease } = await held(dir);
  const keeper = keeperOfHolder(dir.path);
  for (const name of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGTSTP', 'SIGUSR1'] as const) {
    process.kill(keeper, name);
  }
  const [, , , , , session] = readFileSync(`/proc/${keeper}/stat`, 'utf8').split(' ');
  assert.equal(Number(session), keeper);
  assert.equal(await backend.tryAcquire(claim, never), undefined);
  assert.ok(alive(keeper));
  assert.equal(lease.isLost(), false);
  await lease.release();
  await backend[Symbol.asyncDispose]();
});

test('a contender that gives up at any step leaves no process and no file', async () => {
  await using dir = await tempDir('file-loss');
  const { backend, lease } = await held(dir);
  for (let step = 0; step < 24; step += 1) {
    // Half of them while the lock is free, half while they have to wait for it.
    if (step === 12) await lease.release();
    const controller = new AbortController();
    const contending = backend.acquire(claim, controller.signal);
    const end = performance.now() + (step % 12);
    while (performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await contending.then(
      (late) => late.release(),
      () => {},
    );
    assert.equal(helpersOf(dir.path).length, step < 12 ? 1 : 0, `step ${step}`);
  }
  assert.deepEqual(readdirSync(dir.path), []);
});
