import { constants } from 'node:os';
import type { Command } from '../child/child.js';
import { ISOLATION_LEVELS } from '../child/isolation.js';
import { UsageError } from '../util/errors.js';
import type { RunOptions } from './run.js';

const isText = (value: unknown): boolean => typeof value === 'string';

/**
 * Refuses what the types refuse, for programs without type checks: it would be found out when it is too late (the guardian
 * ends of a signal that is none), or not at all.
 * @throws UsageError
 */
export function checkRun({ file, args }: Command, options: RunOptions): void {
  const { stopSignal = 'SIGTERM', isolation = 'cgroup', attempts = 1 } = options;
  expect('command', 'a text', file, isText(file));
  expect('arguments', 'texts', args, Array.isArray(args) && args.every(isText));
  expect(
    'stopSignal',
    "a signal such as 'SIGTERM'",
    stopSignal,
    Object.hasOwn(constants.signals, stopSignal),
  );
  expect(
    'isolation',
    `one of '${ISOLATION_LEVELS.join("', '")}'`,
    isolation,
    ISOLATION_LEVELS.includes(isolation),
  );
  expect('attempts', 'a number from 1, or Infinity', attempts, attempts >= 1);
}

function expect(name: string, expected: string, got: unknown, right: boolean): void {
  if (!right) throw new UsageError(`${name}: expected ${expected}, got ${shown(got)}`);
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}
