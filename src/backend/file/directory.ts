import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { ServiceUnreachableError, UsageError } from '../../util/errors.js';
import { fileError } from './file-errors.js';

/**
 * Makes the directory if there is none, and sees that locks can be kept in it.
 * @param askOnly whether nobody wants to keep locks there: then nothing is made
 * @throws UsageError, NotPermittedError; ServiceUnreachableError when it is not there to be asked
 */
export function useDirectory(path: string, askOnly: boolean): void {
  if (!existsSync('/proc/self/fd')) {
    throw new UsageError('expected a Linux with /proc for locks in files, got another system', {
      hint: 'use a lock server',
      settings: ['url'],
    });
  }
  if (askOnly) {
    if (existsSync(path)) return;
    throw new ServiceUnreachableError(`there is no directory ${path} any more`);
  }
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw fileError(path, error);
  }
  if (!statSync(path).isDirectory()) throw new UsageError(`expected ${path} to be a directory, got a file`);
}
