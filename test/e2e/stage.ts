import type { TestContext } from 'node:test';
import { until } from '../../src/testing/until.js';
import { type Lockex, lockex } from '../helpers/lockex.js';
import { scope } from '../helpers/scope.js';

/** A command line that announces itself by `ready <pid>` and goes on until it is ended. */
export const STAYS = ['sh', '-c', 'echo ready $$; exec sleep 300'] as const;

let locks = 0;
/** A lock that no other test of this process uses. */
export function freshLock(): string {
  locks += 1;
  return `lock-${locks}`;
}

/**
 * Starts the built binary for the time of a test.
 * @param address `host:port` of ZooKeeper, or a URL
 */
export function run(
  t: TestContext,
  address: string,
  options: readonly string[],
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Lockex> {
  const timeout = options.includes('-T') ? [] : ['-T', '4'];
  const service = address.includes(':/') ? '--url' : '-z';
  return scope(t).use(lockex([service, address, ...timeout, ...options, '--', ...command], { env }));
}

/** Waits until the command has announced itself; returns its pid. */
export async function running(it: Lockex): Promise<number> {
  const match = await until(() => /^ready (\d+)$/m.exec(it.stdout), 'the command runs');
  return Number(match[1]);
}

/** Waits until it says that it waits, and for whom. */
export async function waiting(it: Lockex): Promise<void> {
  await until(() => it.hasLogged('waiting: held by'), 'it waits for a holder');
}
