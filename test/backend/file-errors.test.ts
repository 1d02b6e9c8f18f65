import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Claim } from '../../src/backend/contract.js';
import { openFile } from '../../src/backend/file/index.js';
import { systemClock } from '../../src/util/clock.js';
import {
  LockexError,
  NotPermittedError,
  ServiceUnreachableError,
  UsageError,
} from '../../src/util/errors.js';
import { silentLog } from '../../src/util/log.js';
import { helpersOf } from '../helpers/file-backend.js';
import { type TempDir, tempDir } from '../helpers/temp.js';

const never = new AbortController().signal;
const claim: Claim = {
  resource: 'r',
  permits: 1,
  mode: 'exclusive',
  identity: { host: 'h', pid: 1, command: 'c' },
};

const options = { clock: systemClock, log: silentLog };

/** A directory of programs in which `flock` does what the shell text says, and all else is as it is. */
function programsWithFlock(dir: TempDir, flock: string): string {
  const path = dir.join('programs');
  mkdirSync(path);
  writeFileSync(`${path}/flock`, `#!/bin/sh\n${flock}\n`);
  chmodSync(`${path}/flock`, 0o755);
  return `${path}:/usr/bin:/bin`;
}

/** That an acquire fails, leaving nothing, with an error of this kind that says this. */
async function failsWith(
  programs: string,
  dir: TempDir,
  kind: typeof UsageError | typeof ServiceUnreachableError,
  says: RegExp,
) {
  const root = dir.join('locks');
  await using backend = await openFile(root, { ...options, programs });
  await assert.rejects(backend.acquire(claim, never), (error) => {
    assert.ok(error instanceof kind && error instanceof LockexError, String(error));
    assert.match(error.message, says);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
  assert.deepEqual(helpersOf(root), []);
}

test('where there is no flock, a lock in a file is refused with what to install', async () => {
  await using dir = await tempDir('file-errors');
  mkdirSync(dir.join('none'));
  await failsWith(dir.join('none'), dir, UsageError, /expected the program flock/);
});

test('who cannot make all of its files leaves none of them behind, however often it tries', async () => {
  await using dir = await tempDir('file-errors');
  mkdirSync(dir.join('r', 'slot-0'), { recursive: true });
  await using backend = await openFile(dir.path, options);
  for (let tries = 0; tries < 3; tries += 1) {
    await assert.rejects(backend.acquire(claim, never), /cannot keep locks in /);
  }
  assert.deepEqual(readdirSync(dir.join('r')), ['slot-0']);
});

test('a file system that knows no locks is refused with what flock said', async () => {
  await using dir = await tempDir('file-errors');
  const programs = programsWithFlock(dir, 'echo "flock: 4: Function not implemented" >&2; exit 71');
  await failsWith(programs, dir, UsageError, /cannot keep locks in .*Function not implemented/);
});

test('a gate that a stopped process keeps shut is told of', async () => {
  await using dir = await tempDir('file-errors');
  await failsWith(programsWithFlock(dir, 'exit 1'), dir, ServiceUnreachableError, /stopped process/);
});

test('files that are removed again and again do not make a contender try for ever', async () => {
  await using dir = await tempDir('file-errors');
  const programs = programsWithFlock(dir, `rm -rf ${dir.join('locks', 'r')}`);
  await failsWith(programs, dir, ServiceUnreachableError, /removed again and again/);
});

test('a contender whose files are removed as it comes starts over, at whichever step that is', async () => {
  for (const step of [1, 2, 3]) {
    await using dir = await tempDir('file-errors');
    const calls = dir.join('calls');
    const remove = `[ "$(wc -c < ${calls})" = ${step} ] && rm -rf ${dir.join('locks', 'r')}`;
    const programs = programsWithFlock(dir, `printf x >> ${calls}; ${remove}; exec /usr/bin/flock "$@"`);
    await using backend = await openFile(dir.join('locks'), { ...options, programs });
    const lease = await backend.acquire(claim, never);
    assert.equal(lease.isLost(), false, `step ${step}`);
    assert.ok(readFileSync(calls).length > 3, 'it did start over');
    assert.equal(await backend.tryAcquire(claim, never), undefined);
    await lease.release();
    assert.deepEqual(readdirSync(dir.join('locks')), []);
  }
});

test('a path that is no directory is refused', async () => {
  await using dir = await tempDir('file-errors');
  writeFileSync(dir.join('file'), '');
  symlinkSync(dir.join('loop'), dir.join('loop'));
  for (const path of ['file', 'file/below', 'loop/x']) {
    await assert.rejects(openFile(dir.join(path), options), UsageError, path);
  }
});

test('a directory that may not be made or written to is refused as not permitted', async () => {
  // Not even root may make directories there.
  await assert.rejects(openFile('/sys/lockex', options), NotPermittedError);
});

test('a directory that is removed between two locks is made again', async () => {
  await using dir = await tempDir('file-errors');
  await using backend = await openFile(dir.join('a', 'b'), options);
  await (await backend.acquire(claim, never)).release();
  rmSync(dir.join('a'), { recursive: true });
  await (await backend.acquire(claim, never)).release();
  assert.deepEqual(readdirSync(dir.join('a', 'b')), []);
});

test('foreign files in a lock’s directory are neither contenders nor removed', async () => {
  await using dir = await tempDir('file-errors');
  await using backend = await openFile(dir.path, options);
  mkdirSync(dir.join('r'));
  writeFileSync(dir.join('r', 'README'), 'mine');
  const lease = await backend.acquire(claim, never);
  assert.equal((await backend.contenders('r', never)).length, 1);
  await lease.release();
  assert.deepEqual(readdirSync(dir.join('r')), ['README']);
});
