import { hostname } from 'node:os';
import type { LockBackend } from '../backend/contract.js';
import type { Child, Command } from '../child/child.js';
import { hasControllingTerminal } from '../child/terminal.js';
import type { World } from '../supervisor/job.js';
import { supervise } from '../supervisor/supervise.js';
import { systemClock } from '../util/clock.js';
import { alteredVariables } from './command-line.js';
import { connect } from './connect.js';
import { EXIT_STATUSES, statusOfFailure, statusOfOutcome } from './exit-status.js';
import { jobOf } from './job-of.js';
import { localUrl } from './local.js';
import { type Logger, openLogger } from './logger.js';
import { onlooker } from './onlooker.js';
import { readProc } from './proc-self.js';
import { reportFailure, reportOutcome, reportStart } from './report.js';
import type { Settings } from './settings.js';
import type { ProcessSignals } from './signals.js';

/** How long the last lines may take to get out. */
const FLUSH_LIMIT_MS = 500;
/** Behind the timers of the connection itself. */
const PRELOAD_AFTER_MS = 2;
/** How long the line of the spinner may take to get off the terminal before the command has it. */
const CLEAR_LIMIT_MS = 50;

/**
 * Runs the command under its lock, and tells of it.
 * @param bug aborts when something failed that nobody foresaw
 * @returns the exit status
 */
export async function run(settings: Settings, signals: ProcessSignals, bug: AbortSignal): Promise<number> {
  const logger = openLogger(settings.log, systemClock, process.env);
  try {
    const outcome = await superviseIn(settings, logger, signals, bug);
    logger.spinner?.stop();
    reportOutcome(logger.log, outcome);
    return statusOfOutcome(outcome);
  } catch (error) {
    logger.spinner?.stop();
    reportFailure(logger.log, error, settings.command);
    return bug.aborted ? EXIT_STATUSES.bug.status : statusOfFailure(error, settings.conflictStatus);
  } finally {
    await logger.flush(FLUSH_LIMIT_MS);
  }
}

function superviseIn(settings: Settings, logger: Logger, signals: ProcessSignals, bug: AbortSignal) {
  const { log } = logger;
  for (const name of alteredVariables(process.env, () => readProc('environ'))) {
    log.warn({ variable: name }, `the command gets ${name} altered: it is not valid UTF-8`);
  }
  if (process.env['LOCKEX_LOCK_PATH'] === `/${settings.resource}` && settings.permits === 1) {
    log.warn(
      { lock: settings.resource },
      'this run is inside of one that holds a lock of the same name: it may wait for itself',
    );
  }
  const url = settings.service.url ?? localUrl(process.getuid?.() ?? 0);
  reportStart(log, { ...settings, url, chosenBy: settings.service.chosenBy });
  const onQueue = onlooker(logger, () => new Date());
  const job = jobOf(settings, { host: hostname(), pid: process.pid, env: process.env, onQueue });
  return supervise(job, worldOf(settings, url, logger, signals, bug));
}

function worldOf(
  { service }: Settings,
  url: string,
  logger: Logger,
  signals: ProcessSignals,
  bug: AbortSignal,
): World {
  const { log, spinner } = logger;
  return {
    connect(signal: AbortSignal): Promise<LockBackend> {
      spinner?.stop();
      // What starts processes takes some ms to load: meanwhile the first packets are on their way.
      systemClock.setTimer(PRELOAD_AFTER_MS, () => void import('../child/spawn.js'));
      return connect(url, service, { clock: systemClock, log }, signal);
    },
    async spawn(command: Command, env: NodeJS.ProcessEnv, treeId: string): Promise<Child> {
      signals.refuseSuspension();
      spinner?.stop();
      if (spinner !== undefined) await logger.flush(CLEAR_LIMIT_MS);
      const { spawnChild } = await import('../child/spawn.js');
      const group = hasControllingTerminal() ? 'shared' : 'own';
      return spawnChild({ command, env, treeId, group, log });
    },
    bug,
    signals,
    clock: systemClock,
    log,
  };
}
