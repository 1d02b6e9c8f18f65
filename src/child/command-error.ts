import { CommandError } from '../util/errors.js';
import { quoted } from '../util/words.js';

/** What is known when a command could not be started. */
export interface StartFailure {
  /** The system's error code (`ENOENT`). */
  readonly code: string | undefined;
  readonly file: string;
  /** Whether there is such a file, at the path or in a directory of `PATH`. */
  readonly exists: boolean;
  /** Whether our working directory was removed. */
  readonly homeless: boolean;
  readonly cause?: unknown;
}

interface Explanation {
  readonly what: string;
  readonly hint: string;
}

/** By the code of execve(2). What is not here is told by its code alone. */
const NOT_EXECUTABLE: ReadonlyMap<string, Explanation> = new Map([
  [
    'EACCES',
    {
      what: 'it is not executable for this user, or a directory',
      hint: 'check its permissions (chmod +x) and those of the directories above it',
    },
  ],
  [
    'ENOEXEC',
    { what: 'it is no program for this machine', hint: 'a script begins with a line like #!/bin/sh' },
  ],
  [
    'E2BIG',
    {
      what: 'its arguments and environment are larger than the system allows',
      hint: 'pass them in a file or on standard input',
    },
  ],
  ['ENOTDIR', { what: 'a part of its path is not a directory', hint: 'check the path' }],
  ['ENAMETOOLONG', { what: 'its path is too long', hint: 'check the path' }],
  ['ELOOP', { what: 'its path goes through a loop of symbolic links', hint: 'check the links' }],
  ['ETXTBSY', { what: 'the file is being written', hint: 'try again when it is complete' }],
  [
    'EAGAIN',
    { what: 'there may be no more processes', hint: 'raise the limit of processes (ulimit -u) or end some' },
  ],
  ['EMFILE', { what: 'there are too many open files', hint: 'raise the limit of open files (ulimit -n)' }],
  ['ENOMEM', { what: 'there is not enough memory', hint: 'free some' }],
]);

/** The error for a command that could not be started: what is wrong with which file, and what to do. */
export function commandError(failure: StartFailure): CommandError {
  const { code, file, cause } = failure;
  const name = quoted(file);
  if (code === 'ENOENT' || file === '') {
    const { what, hint } = explainMissing(failure);
    return new CommandError('not-found', `cannot start ${name}: ${what}`, { cause, hint });
  }
  const { what, hint } = NOT_EXECUTABLE.get(code ?? '') ?? {
    what: `the system refused with ${code ?? 'an unknown error'}`,
    hint: 'see execve(2)',
  };
  return new CommandError('not-executable', `cannot start ${name}: ${what}`, { cause, hint });
}

function explainMissing({ file, exists, homeless }: StartFailure): Explanation {
  if (file === '') return { what: 'the name of the command is empty', hint: 'give the file to run' };
  if (exists) {
    return {
      what: 'the file is there, but the interpreter that it names is not',
      hint: 'check its first line (#!), or for a binary its loader (ldd)',
    };
  }
  if (file.includes('/')) {
    return homeless && !file.startsWith('/')
      ? { what: 'the working directory was removed', hint: 'start from a directory that exists' }
      : { what: 'there is no such file', hint: 'check the path' };
  }
  return {
    what: 'there is no such file in any directory of PATH',
    hint: /\s/.test(file)
      ? 'give the command and each argument on its own, not in one'
      : 'check the name and PATH',
  };
}
