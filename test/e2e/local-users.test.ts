import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { test } from 'node:test';
import { LOCKEX, Lockex, NODE_FIRST_PATH } from '../helpers/lockex.js';
import { type Scope, scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';

/** What turns root into somebody who may do nothing; somebody else is that already. */
const UNPRIVILEGED =
  process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'] : [];

/** Runs the built binary as an unprivileged user, to its end. */
async function unprivileged(on: Scope, args: readonly string[]): Promise<Lockex> {
  const [file = LOCKEX, ...words] = [...UNPRIVILEGED, LOCKEX, ...args];
  const it = await on.use(new Lockex(file, words, { env: { PATH: NODE_FIRST_PATH }, cwd: '/' }));
  await it.exited;
  return it;
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Not empty: it is in use.
  }
}

test('an unprivileged user needs no more than a directory to write to', async (t) => {
  const on = scope(t);
  const dir = await on.use(tempDir('local'));
  chmodSync(dir.path, 0o711);
  mkdirSync(dir.join('locks'));
  // As /tmp is: everybody may make files there, and remove their own only.
  chmodSync(dir.join('locks'), 0o1777);
  const args = ['--url', `file://${dir.join('locks')}`, '-i', 'x', '--', 'echo', 'ran'];
  const alone = await unprivileged(on, args);
  assert.deepEqual([alone.ended?.code, alone.stdout], [0, 'ran\n'], alone.stderr);
  assert.deepEqual(readdirSync(dir.join('locks')), []);
});

test('--local gives an unprivileged user a directory that is closed to everybody else', async (t) => {
  const on = scope(t);
  const uid = UNPRIVILEGED.length > 0 ? 65534 : process.getuid?.();
  const it = await unprivileged(on, ['--local', '-i', `local-test-${process.pid}`, '--', 'id', '-u']);
  assert.deepEqual([it.ended?.code, it.stdout], [0, `${uid}\n`], it.stderr);
  const directory = new URL(String(it.logs[0]?.['url'])).pathname;
  const stat = lstatSync(directory);
  assert.deepEqual([stat.uid, stat.mode & 0o7777], [uid, 0o700]);
  // It stays, for the next run. Somebody else may be using it now.
  if (UNPRIVILEGED.length > 0) removeIfEmpty(directory);
});

test('a directory of somebody else’s is refused with status 77 and a hint', async (t) => {
  const on = scope(t);
  // The system's own, which any user can read.
  for (const url of ['file:///etc', 'file:///lockex-here']) {
    const it = await unprivileged(on, ['--url', url, '--', 'echo', 'ran']);
    assert.deepEqual([it.ended?.code, it.stdout], [77, ''], it.stderr);
    const errors = it.logs.filter(({ level }) => level === 'error');
    assert.deepEqual(
      errors.map(({ hint }) => hint),
      ['choose a directory that you may write to'],
    );
    assert.match(String(errors[0]?.['msg']), /^cannot keep locks in \/\S+: EACCES/);
    assert.doesNotMatch(it.stderr, /\n\s+at /);
  }
});
