import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type CommandError, codeOf } from '../util/errors.js';
import { encodeRaw } from '../util/raw-text.js';
import type { Command, Group } from './child.js';
import { commandError } from './command-error.js';

/** A process that was started: it has a pid, and cannot have been reaped before the event loop turns. */
export interface Started {
  readonly pid: number;
  readonly handle: ChildProcess;
}

/**
 * Starts a program as execvp(3) does: found by the `PATH` that it will have itself; a script without `#!` is run
 * by /bin/sh (by the C library; musl's does not). Standard input, output and error are ours, and every
 * signal has its default action. No other file that we opened is handed on; one that we were started with may be:
 * Node closes the low ones only.
 *
 * @returns what was started, or, once it is known, why nothing was
 */
export function start(
  command: Command,
  env: NodeJS.ProcessEnv,
  group: Group,
): Started | Promise<CommandError> {
  const { file } = command;
  const failed = (cause: unknown): CommandError => startError(command, env, codeOf(cause), cause);
  // Node takes an empty name for a bug of ours, but it is the user who gave it.
  if (file === '') return Promise.resolve(failed(undefined));
  try {
    const handle = spawn(file, command.args, { env, stdio: 'inherit', detached: group === 'own' });
    if (handle.pid === undefined) return once(handle, 'error').then(([cause]) => failed(cause));
    return { pid: handle.pid, handle };
  } catch (cause) {
    // Node throws some of the system's errors and emits the others. What has no such code is a bug.
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    return Promise.resolve(failed(cause));
  }
}

/**
 * The error for a program that could not be started.
 * @param code the system's (`ENOENT`)
 */
export function startError(
  { file }: Command,
  env: NodeJS.ProcessEnv,
  code: string | undefined,
  cause?: unknown,
): CommandError {
  const exists = existsOnPath(file, env['PATH']);
  return commandError({ code, file, exists, homeless: isHomeless(), cause });
}

function existsOnPath(file: string, path = ''): boolean {
  if (file.includes('/')) return existsSync(encodeRaw(file));
  return path.split(delimiter).some((directory) => existsSync(encodeRaw(join(directory, file))));
}

function isHomeless(): boolean {
  try {
    realpathSync.native('.');
    return false;
  } catch {
    return true;
  }
}
