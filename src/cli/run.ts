import { hostname } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import type { LockBackend } from '../backend/contract.js';
import { serviceOf } from '../backend/registry.js';
import type { Stage } from '../child/child.js';
import type { IsolationLevel } from '../child/isolation.js';
import { hasControllingTerminal } from '../child/terminal.js';
import type { Outcome, World } from '../supervisor/job.js';
import { supervise } from '../supervisor/supervise.js';
import { systemClock } from '../util/clock.js';
import { DeferredLog } from '../util/deferred-log.js';
import type { Log } from '../util/log.js';
import { alteredVariables, exactEnvironment } from './command-line.js';
import { connect } from './connect.js';
import { EXIT_STATUSES, statusOfFailure, statusOfOutcome } from './exit-status.js';
import { FirstSession } from './first-session.js';
import { jobOf } from './job-of.js';
import { localUrl } from './local.js';
import { type Logger, openLogger } from './logger.js';
import { onlooker } from './onlooker.js';
import { readProc } from './proc-self.js';
import { reportFailure, reportOutcome, reportStart } from './report.js';
import type { Settings } from './settings.js';
import type { ProcessSignals } from './signals.js';
import { describeHolders } from './waiting.js';

/** How long the first lines may wait, ms. */
const BEGIN_LOG_WITHIN_MS = 20;
/** How long the last lines may take to get out. */
const FLUSH_LIMIT_MS = 500;
/** How long the line of the spinner may take to get off the terminal before the command has it. */
const CLEAR_LIMIT_MS = 50;

/**
 * Runs the command under its lock, and tells of it.
 * @param bug aborts when something failed that nobody foresaw
 * @returns the exit status
 */
export async function run(settings: Settings, signals: ProcessSignals, bug: AbortSignal): Promise<number> {
  const logger = openLogger(settings.log, systemClock, process.env);
  // Nothing is told before the first line: a quick server, or one that has to be waited for, is known earlier.
  const log = new DeferredLog();
  const url = settings.service.url ?? localUrl(process.getuid?.() ?? 0);
  const session = new FirstSession((signal) =>
    connect(url, settings.service, { clock: systemClock, log }, signal),
  );
  await packetsOnTheirWay();
  const { prepareStage } = await import('../child/stage.js');
  try {
    const stage = prepareStage({
      isolation: settings.isolation,
      group: hasControllingTerminal() ? 'shared' : 'own',
      logFormat: logger.lastWord,
      clock: systemClock,
      log,
    });
    const begin = once(() => {
      reportSurroundings(logger.log, settings, url, stage.level);
      log.become(logger.log);
      void logger.start();
    });
    // With a server, in the next pause, when the first requests of the session are on their way; and soon, if there is none.
    if (settings.service.budget === undefined) begin();
    session.opened.then(() => setImmediate(begin));
    systemClock.setTimer(BEGIN_LOG_WITHIN_MS, begin);
    const outcome = await superviseIn(settings, stage, session, { ...logger, log }, signals, bug).finally(
      begin,
    );
    logger.spinner?.stop();
    reportOutcome(log, outcome);
    return statusOfOutcome(outcome);
  } catch (error) {
    logger.spinner?.stop();
    reportFailure(log, error, settings.command, { url, chosenBy: settings.service.chosenBy });
    return bug.aborted ? EXIT_STATUSES.bug.status : statusOfFailure(error, settings.conflictStatus);
  } finally {
    log.become(logger.log);
    await logger.flush(FLUSH_LIMIT_MS);
  }
}

function once(run: () => void): () => void {
  let due = true;
  return () => {
    if (due) run();
    due = false;
  };
}

/**
 * Two turns of the event loop: in the first, a connection to this host is made, in the second, the request for a
 * session is out. What is loaded after that takes no time from anybody.
 */
async function packetsOnTheirWay(): Promise<void> {
  await turn();
  await turn();
}

function reportSurroundings(log: Log, settings: Settings, url: string, level: IsolationLevel): void {
  for (const name of alteredVariables(environmentAt(level), readEnviron)) {
    log.warn({ variable: name }, `the command gets ${name} altered: it is not valid UTF-8`);
  }
  const { resource } = settings;
  if (serviceOf(url).name === 'memory') {
    log.warn({ url }, 'memory: is within one process: no other run of lockex is kept out');
  }
  if (process.env['LOCKEX_LOCK_PATH'] === `/${resource}` && settings.permits === 1) {
    log.warn(
      { lock: resource },
      'this run is inside of one that holds a lock of the same name: it may wait for itself',
    );
  }
  reportStart(log, {
    ...settings,
    url,
    chosenBy: settings.service.chosenBy,
    level,
    budget: settings.service.budget,
  });
}

const readEnviron = () => readProc('environ');

/** What the command's environment is made from. At the level `walk` it is Node that hands it on, as it has read it. */
function environmentAt(level: IsolationLevel): NodeJS.ProcessEnv {
  return level === 'walk' ? process.env : exactEnvironment(process.env, readEnviron);
}

async function superviseIn(
  settings: Settings,
  stage: Stage,
  session: FirstSession,
  logger: Logger,
  signals: ProcessSignals,
  bug: AbortSignal,
): Promise<Outcome> {
  const job = jobOf(settings, {
    host: hostname(),
    pid: process.pid,
    env: environmentAt(stage.level),
    onQueue: onlooker(logger, settings.service.traits.queue, () => new Date()),
    describe: (contenders) => describeHolders(contenders, new Date()),
  });
  return await supervise(job, worldOf(stage, session, logger, signals, bug));
}

function worldOf(
  stage: Stage,
  session: FirstSession,
  logger: Logger,
  signals: ProcessSignals,
  bug: AbortSignal,
): World {
  const { log, spinner } = logger;
  return {
    connect(signal: AbortSignal): Promise<LockBackend> {
      spinner?.stop();
      return session.connect(signal);
    },
    stage,
    async handOver(): Promise<void> {
      signals.refuseSuspension();
      spinner?.stop();
      if (spinner !== undefined) await logger.flush(CLEAR_LIMIT_MS);
    },
    bug,
    signals,
    clock: systemClock,
    log,
  };
}
