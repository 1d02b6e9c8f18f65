import { systemClock } from '../util/clock.js';
import { messageOf, UsageError } from '../util/errors.js';
import { exactEnvironment, exactWords } from './command-line.js';
import { EXIT_STATUSES } from './exit-status.js';
import { hintOf } from './hint.js';
import { Output, openStderr } from './output.js';
import { parse } from './parse.js';
import { readProc } from './proc-self.js';
import type { ProcessSignals } from './signals.js';

/** How long one line may take to get out. */
const FLUSH_LIMIT_MS = 500;

/**
 * Does what the command line asks for.
 * @returns the exit status
 */
export async function start(signals: ProcessSignals, bug: AbortSignal): Promise<number> {
  try {
    const words = exactWords(process.argv.slice(2), () => readProc('cmdline'));
    const request = parse(
      words,
      exactEnvironment(process.env, () => readProc('environ')),
    );
    if (request.kind === 'version') {
      const { readVersion } = await import('./version.js');
      return await print(`lockex ${readVersion()}\n`);
    }
    if (request.kind === 'help') {
      const { helpText } = await import('./help.js');
      return await print(`${await helpText(process.stdout.columns ?? 80)}\n`);
    }
    if (request.kind === 'verify') {
      const { verify } = await import('./verify.js');
      const { status, said } = await verify(request.settings, signals, bug);
      if (said !== undefined && !request.settings.quiet) await complain(said);
      return status;
    }
    const { run } = await import('./run.js');
    return await run(request.settings, signals, bug);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const hint = hintOf(error, undefined);
    await complain(hint === undefined ? error.message : `${error.message} (${hint})`);
    return EXIT_STATUSES.usage.status;
  }
}

/** What was asked for goes to stdout; nothing else of ours does. */
function print(text: string): Promise<number> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve(0)));
}

/** The last word when lockex itself failed outside of a run. */
export async function complainOfBug(error: unknown): Promise<number> {
  await complain(`a bug in lockex, please report it: ${messageOf(error)}`);
  return EXIT_STATUSES.bug.status;
}

/** A line from before there is a log: who typed the command line is to read it. */
async function complain(message: string): Promise<void> {
  const output = new Output(
    openStderr(),
    systemClock,
    (dropped) => `lockex: ${dropped} lines were dropped\n`,
  );
  output.write(`lockex: ${message}\n`);
  await output.flush(FLUSH_LIMIT_MS);
}
