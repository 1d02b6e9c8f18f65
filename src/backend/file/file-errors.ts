import {
  codeOf,
  type LockexError,
  messageOf,
  NotPermittedError,
  ServiceUnreachableError,
  UsageError,
} from '../../util/errors.js';

/** What a failed call to the file system means for one who wants to lock below `path`. */
export function fileError(path: string, error: unknown): LockexError {
  const message = `cannot keep locks in ${path}: ${messageOf(error)}`;
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new NotPermittedError(message, {
        cause: error,
        hint: 'choose a directory that you may write to',
      });
    case 'ENOTDIR':
    case 'EEXIST':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return new UsageError(message, { cause: error, hint: 'expected the path of a directory' });
    default:
      return new ServiceUnreachableError(message, { cause: error });
  }
}

/** `flock` ran and could not lock: some file systems know no locks. */
export function cannotLock(path: string, said: string): UsageError {
  return new UsageError(`cannot keep locks in ${path}: ${said.trim() || 'flock failed without a word'}`, {
    hint: 'choose a directory on a local file system',
  });
}

/** A small process of ours could not be started. */
export function cannotStart(file: string, programs: string, error: unknown): LockexError {
  if (codeOf(error) === 'ENOENT') return noProgram(file, programs);
  return new ServiceUnreachableError(`cannot start ${file}: ${messageOf(error)}`, { cause: error });
}

export function noProgram(name: string, programs: string): UsageError {
  return new UsageError(`expected the program ${name} in ${programs}, found none`, {
    hint: 'flock is in the package "util-linux" of Debian, Fedora and Alpine; macOS has none',
  });
}
