import { until } from '../../src/testing/until.js';
import { LOCKEX } from '../helpers/lockex.js';
import { statOf } from '../helpers/processes.js';
import { Pty, type PtyOptions } from '../helpers/pty.js';
import type { Scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';

/** Options for a lock in a directory of the test's own. */
export async function ownLock(on: Scope): Promise<string[]> {
  const dir = await on.use(tempDir('terminal'));
  return ['--url', `file://${dir.path}`, '-i', 'here'];
}

/** The built binary as the leader of the terminal's session, as in a container or under `ssh -t`. */
export function onTerminal(on: Scope, args: readonly string[], options: PtyOptions = {}): Promise<Pty> {
  return on.use(new Pty(LOCKEX, args, options));
}

/** The pid that the command announced by `ready PID`. */
export async function pidOf(pty: Pty): Promise<number> {
  const match = await until(() => /ready (\d+)/.exec(pty.screen), 'the command runs');
  return Number(match[1]);
}

/** Waits until a process sleeps (`S`) or is stopped (`T`). */
export async function inState(pid: number, state: 'S' | 'T'): Promise<void> {
  await until(() => statOf(pid)?.state === state, `process ${pid} is in state ${state}`);
}
