import type { Command } from '../child/child.js';
import type { IsolationLevel } from '../child/isolation.js';
import { budgetText } from '../supervisor/budget-text.js';
import type { Outcome } from '../supervisor/job.js';
import { LockexError, messageOf } from '../util/errors.js';
import type { LeaseBudget } from '../util/lease-deadline.js';
import type { Log } from '../util/log.js';
import { printable, SHOWN_COMMAND, showWords, wellFormed } from '../util/words.js';
import { type Asked, hintOf } from './hint.js';

/** The line before all else: which lock of which service, and who chose them. */
export function reportStart(
  log: Log,
  start: {
    url: string;
    chosenBy: string;
    resource: string;
    named: boolean;
    command: Command;
    level: IsolationLevel;
    budget: LeaseBudget | undefined;
  },
): void {
  const { chosenBy, resource, named, command, level, budget } = start;
  const url = withoutSecrets(start.url);
  const words = printable(showWords([command.file, ...command.args]), SHOWN_COMMAND);
  log.info(
    { url, chosenBy, lock: resource, command: words, isolation: level },
    `lock ${resource}${named ? '' : ` (that of ${words})`} at ${url} (${chosenBy}); isolation: ${level}${budget ? `; ${budgetText(budget)}` : ''}`,
  );
}

/** A URL as it may be shown: who logs in, and how, stays out. */
export function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//…@');
}

/** Why it ended, when it ended as it may. A lost lock has been told of when it was lost. */
export function reportOutcome(log: Log, outcome: Outcome): void {
  if (outcome.how === 'told-to-stop') log.info({ signal: outcome.by }, `stopped by ${outcome.by}`);
  if (outcome.how !== 'command-ended') return;
  const { status } = outcome;
  const signal = status.how === 'killed' && typeof status.signal === 'number' ? 'signal ' : '';
  const how = status.how === 'exited' ? `exited with ${status.code}` : `died of ${signal}${status.signal}`;
  log.info({ ...status }, `the command ${how}; the lock is given back`);
}

/** One line for what went wrong; a stack trace is for those who debug lockex, and only shown to them. */
export function reportFailure(log: Log, error: unknown, command: Command, asked: Asked): void {
  if (!(error instanceof LockexError)) {
    log.error({}, `a bug in lockex, please report it: ${messageOf(error)}`);
    log.debug({ stack: error instanceof Error ? error.stack : undefined }, 'where it happened');
    return;
  }
  const hint = likelySlip(error, command) ?? hintOf(error, asked);
  const fields = { kind: error.kind, ...(hint === undefined ? {} : { hint }) };
  // Nothing went wrong: somebody else has it. With `--quiet`, the exit status says it well enough.
  if (error.kind === 'not-acquired') log.warn(fields, error.message);
  else log.error(fields, error.message);
}

/** A whole command line in one word, as the original wanted it. */
function likelySlip(error: LockexError, { file, args }: Command): string | undefined {
  if (error.kind !== 'not-found' || args.length > 0 || !/\s/.test(file)) return undefined;
  return `did you mean: lockex -- ${wellFormed(file)}; or, for a shell: lockex --shell -- ${showWords([file])}`;
}
