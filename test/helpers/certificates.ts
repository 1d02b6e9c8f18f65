import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { TempDir } from './temp.js';

/** PEM files of one party. `both` has the key and the certificate, as ZooKeeper wants them. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly both: string;
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** A certificate authority of a test's own. */
export function authority(dir: TempDir, name: string): Certificate {
  const files = filesOf(dir, name);
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    files.key,
    '-out',
    files.cert,
  );
  return joined(files);
}

/** A certificate for 127.0.0.1, signed by `ca`. */
export function certificate(dir: TempDir, name: string, ca: Certificate): Certificate {
  const files = filesOf(dir, name);
  const [request, extensions] = [dir.join(`${name}.csr`), dir.join(`${name}.ext`)];
  writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1\n');
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    files.key,
    '-out',
    request,
  );
  openssl(
    'x509',
    '-req',
    '-in',
    request,
    '-CA',
    ca.cert,
    '-CAkey',
    ca.key,
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    extensions,
    '-out',
    files.cert,
  );
  return joined(files);
}

function filesOf(dir: TempDir, name: string): Certificate {
  return { key: dir.join(`${name}.key`), cert: dir.join(`${name}.cert`), both: dir.join(`${name}.pem`) };
}

function joined(files: Certificate): Certificate {
  writeFileSync(files.both, readFileSync(files.key, 'utf8') + readFileSync(files.cert, 'utf8'), {
    mode: 0o600,
  });
  return files;
}
