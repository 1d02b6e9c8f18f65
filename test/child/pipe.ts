import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { codeOf } from '../../src/util/errors.js';
import type { Stage } from './stage.js';

/**
 * Makes a named pipe, and returns whether nobody has it open for reading: proof that they are dead who were born with
 * it, where a look at pids could miss them. The command opens it, by `exec 9<>PIPE`, before this is asked.
 */
export function openPipe(stage: Stage, name: string): () => boolean {
  const path = stage.path(name);
  execFileSync('mkfifo', ['-m', '666', path]);
  return () => {
    try {
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
      return false;
    } catch (error) {
      if (codeOf(error) === 'ENXIO') return true;
      throw error;
    }
  };
}
