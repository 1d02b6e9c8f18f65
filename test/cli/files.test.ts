import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readCredentials } from '../../src/cli/credentials.js';
import { localDirectory } from '../../src/cli/local.js';
import { tempDir } from '../helpers/temp.js';

const SECRET = 'user:s3cret';

test('lockex reads credentials from a file, the group may share it', async () => {
  await using dir = await tempDir('auth');
  const authFile = dir.join('auth');
  await writeFile(authFile, `${SECRET}\n`, { mode: 0o640 });
  assert.deepEqual(readCredentials({ auth: { option: 'zk-auth-file', path: authFile }, tls: undefined }), {
    login: Buffer.from(SECRET),
  });
});

test('lockex refuses a secret that others may read, and says what to do, but not the secret', async () => {
  await using dir = await tempDir('auth');
  const authFile = dir.join('auth');
  await writeFile(authFile, SECRET);
  await chmod(authFile, 0o644);
  assert.throws(
    () => readCredentials({ auth: { option: 'zk-auth-file', path: authFile }, tls: undefined }),
    (error: Error & { hint?: string }) => {
      assert.match(
        error.message,
        /^--zk-auth-file: expected a file closed to others, got .*auth with mode 644$/,
      );
      assert.equal(error.hint, `chmod 600 ${authFile}`);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    },
  );
});

test('lockex refuses a file that is not there, or holds no credentials', async () => {
  await using dir = await tempDir('auth');
  const authFile = dir.join('auth');
  assert.throws(
    () => readCredentials({ auth: { option: 'zk-auth-file', path: authFile }, tls: undefined }),
    /^UsageError: --zk-auth-file: expected a file that can be read, got .* \(ENOENT\)$/,
  );
  for (const text of ['s3cret', ':s3cret', 'user:', 'user:a\nuser:b\n', '']) {
    await writeFile(authFile, text, { mode: 0o600 });
    assert.throws(
      () => readCredentials({ auth: { option: 'zk-auth-file', path: authFile }, tls: undefined }),
      (error: Error) =>
        /expected one line, user:password/.test(error.message) && !/s3cret/.test(error.message),
    );
  }
});

test('lockex reads the files of TLS, each for itself, and a key as a secret', async () => {
  await using dir = await tempDir('tls');
  const [ca, key] = [dir.join('ca'), dir.join('key')];
  await writeFile(ca, 'CA');
  await writeFile(key, 'KEY');
  await chmod(key, 0o644);
  assert.deepEqual(readCredentials({ auth: undefined, tls: { ca, cert: undefined, key: undefined } }), {
    tls: { ca: Buffer.from('CA') },
  });
  assert.throws(
    () => readCredentials({ auth: undefined, tls: { ca, cert: ca, key } }),
    /--tls-key: expected a file closed to others/,
  );
});

test('--local is the same directory for every run of a user, whatever the environment', () => {
  const directory = (mode: number | undefined) => localDirectory(1000, { path: '/run/lock', mode });
  assert.equal(directory(0o41777), '/run/lock/lockex-1000');
  assert.equal(directory(0o40755), '/tmp/lockex-1000');
  assert.equal(directory(undefined), '/tmp/lockex-1000');
});
