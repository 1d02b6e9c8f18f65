import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openBackend } from '../../src/backend/registry.js';
import { checkTlsMaterial } from '../../src/backend/tls-material.js';
import { systemClock } from '../../src/util/clock.js';
import { UsageError } from '../../src/util/errors.js';
import { silentLog } from '../../src/util/log.js';
import { authority, certificate } from '../helpers/certificates.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';

const garbage = Buffer.from('-----BEGIN GARBAGE-----\nxyz\n-----END GARBAGE-----\n');

test('TLS material that cannot be used is refused before anybody is asked, with any service, and is not shown', async (t) => {
  const dir = await scope(t).use(tempDir('tls-material'));
  const ca = authority(dir, 'ca');
  const [mine, other] = [certificate(dir, 'mine', ca), certificate(dir, 'other', ca)];
  const read = ({ cert, key }: typeof mine) => ({ cert: readFileSync(cert), key: readFileSync(key) });
  const expected = async (tls: Parameters<typeof checkTlsMaterial>[0], words: RegExp) =>
    assert.rejects(checkTlsMaterial(tls), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, words);
      assert.doesNotMatch(error.message, /xyz/);
      return true;
    });
  await expected({ ca: garbage }, /an authority's certificate in PEM/);
  await expected({ cert: garbage, key: garbage }, /a certificate in PEM/);
  await expected({ ...read(mine), key: garbage }, /a private key in PEM, without a passphrase/);
  await expected({ ...read(mine), key: read(other).key }, /the private key of the certificate/);
  await checkTlsMaterial({ ...read(mine), ca: readFileSync(ca.cert) });

  const options = {
    ttlMs: 10_000,
    connectLimitMs: 10_000,
    connectAttempts: 1,
    clock: systemClock,
    log: silentLog,
  };
  const never = new AbortController().signal;
  for (const url of ['zk://127.0.0.1:1', 'etcd://127.0.0.1:1', 'rediss://127.0.0.1:1']) {
    await assert.rejects(openBackend(url, { ...options, tls: { ca: garbage } }, never), UsageError, url);
  }
});
