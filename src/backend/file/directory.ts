import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { UsageError } from '../../util/errors.js';
import { fileError } from './file-errors.js';

/**
 * Makes the directory if there is none, and sees that locks can be kept in it.
 * @throws UsageError, NotPermittedError
 */
export function useDirectory(path: string): void {
  if (!existsSync('/proc/self/fd')) {
    throw new UsageError('expected a Linux with /proc for locks in files, got another system', {
      hint: 'use a lock server, for example --zkhosts',
    });
  }
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw fileError(path, error);
  }
  if (!statSync(path).isDirectory()) throw new UsageError(`expected ${path} to be a directory, got a file`);
}
