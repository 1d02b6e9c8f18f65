import { readFileSync, statSync } from 'node:fs';
import { codeOf, UsageError } from '../util/errors.js';
import { showWords } from '../util/words.js';
import type { AuthFile, Service } from './service.js';

/** What the files of a service hold. Never logged. */
export interface Credentials {
  /** `user:password` */
  readonly login?: Buffer;
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

/** Permission bits of those who are neither the owner nor in the group. */
const OTHERS = 0o007;

/**
 * Reads the files with credentials.
 * @throws UsageError when one cannot be read, holds no credentials, or is a secret that others may read
 */
export function readCredentials({ auth, tls }: Pick<Service, 'auth' | 'tls'>): Credentials {
  return {
    ...(auth === undefined ? {} : { login: readLogin(auth) }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.ca === undefined ? {} : { ca: readFile('tls-ca', tls.ca) }),
            ...(tls.cert === undefined ? {} : { cert: readFile('tls-cert', tls.cert) }),
            ...(tls.key === undefined ? {} : { key: readSecret('tls-key', tls.key) }),
          },
        }),
  };
}

function readLogin({ option, path }: AuthFile): Buffer {
  const text = readSecret(option, path)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  // A redis without users has a password alone, `:password`; nobody else takes an empty user.
  const user = option === 'auth-file' ? '[^:\\s]*' : '[^:\\s]+';
  if (new RegExp(`^${user}:[^\\n]+$`).test(text)) return Buffer.from(text);
  throw new UsageError(`--${option}: expected one line, user:password, got something else in ${path}`);
}

/** The group may read it: that is how a secret is handed to a service. Others may not. */
function readSecret(option: string, path: string): Buffer {
  const secret = readFile(option, path);
  const mode = statSync(path).mode & 0o777;
  if ((mode & OTHERS) === 0) return secret;
  throw new UsageError(
    `--${option}: expected a file closed to others, got ${path} with mode ${mode.toString(8)}`,
    {
      hint: `chmod 600 ${showWords([path])}`,
    },
  );
}

function readFile(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`--${option}: expected a file that can be read, got ${path} (${codeOf(error)})`, {
      cause: error,
    });
  }
}
