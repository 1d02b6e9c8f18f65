import { hostname } from 'node:os';
import { basename } from 'node:path';
import { argv, pid } from 'node:process';
import type { Identity } from '../backend/contract.js';
import { printable, SHOWN_COMMAND } from '../util/words.js';

/** As whom others see this program. Its arguments may hold secrets, and are not shown. */
export function identityOfProgram(): Identity {
  const [node = 'node', script = node] = argv;
  return { host: hostname(), pid, command: printable(basename(script), SHOWN_COMMAND) };
}
