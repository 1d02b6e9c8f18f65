import { type ChildProcess, type IOType, spawn } from 'node:child_process';
import { cannotStart } from './file-errors.js';
import type { FileSettings } from './settings.js';

/** How a small process of ours ended, and what it said on standard error. `code` is `null` for a killed one. */
export interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** A small process of ours: in a session of its own, where no terminal's key reaches it. */
export interface HelperProcess {
  readonly child: ChildProcess;
  /** Rejects, with a `LockexError`, only when it could not be started. */
  readonly ended: Promise<Ended>;
}

/**
 * @param stdio as for `spawn`; standard error is ours
 * @param env beside `PATH`; nothing of the caller's environment, so that no mark of a tree is in it
 */
export function startHelper(
  file: string,
  args: readonly string[],
  stdio: readonly (IOType | number)[],
  settings: FileSettings,
  env: Readonly<Record<string, string>> = {},
): HelperProcess {
  const [input = 'ignore', output = 'pipe', ...others] = stdio;
  const child = spawn(file, args, {
    stdio: [input, output, 'pipe', ...others],
    detached: true,
    cwd: '/',
    env: { PATH: settings.programs, ...env },
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  // A process that is gone hears nothing: that it is gone is told by its end.
  child.stdin?.on('error', () => {});
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', (error) => reject(cannotStart(file, settings.programs, error)));
    child.once('close', (code) => resolve({ code, said }));
  });
  ended.catch(() => {});
  return { child, ended };
}
