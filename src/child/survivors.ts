import type { Log } from '../util/log.js';

/** A process that lives on in spite of SIGKILL. */
export interface Survivor {
  readonly pid: number;
  readonly state: string;
  readonly command: string;
}

const STATES: ReadonlyMap<string, string> = new Map([
  ['D', 'state D: waits in the kernel, often for a disk or a file server'],
  ['Z', 'state Z: waits to be reaped'],
]);

/**
 * The line about a tree that cannot be killed.
 * @param found who is left of it, or why nobody could be found
 */
export function complainOf(found: readonly Survivor[] | string, log: Log): void {
  const processes = typeof found === 'string' ? [] : found.map(nameOf);
  const what = typeof found === 'string' ? `processes cannot be listed (${found})` : named(processes);
  log.warn({ processes }, `the tree is not dead in spite of SIGKILL, the lock is kept: ${what}`);
}

function named(processes: readonly string[]): string {
  return processes.length === 0 ? 'somebody is there whom no look finds' : processes.join(', ');
}

function nameOf({ pid, command, state }: Survivor): string {
  // The name is the command's own choice and must not reach a terminal as it is.
  const readable = command.replace(/[^\x20-\x7e]/g, '?');
  return `${pid} ${readable} (${STATES.get(state) ?? `state ${state}`})`;
}
