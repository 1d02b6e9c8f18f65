import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import type { Stage } from './stage.js';

/**
 * Makes a named pipe, and returns whether all who had it open for writing are gone: proof that they are dead, where a
 * look at pids could miss them. Somebody must open it.
 */
export function openPipe(stage: Stage, name: string): () => boolean {
  execFileSync('mkfifo', ['-m', '666', stage.path(name)]);
  let ended = false;
  createReadStream(stage.path(name))
    .on('end', () => {
      ended = true;
    })
    .resume();
  return () => ended;
}
