import { isatty } from 'node:tty';
import type pino from 'pino';
import type { Clock } from '../util/clock.js';
import { DeferredLog } from '../util/deferred-log.js';
import type { Log } from '../util/log.js';
import { Output, openStderr } from './output.js';
import { type LogRecord, readable } from './readable.js';
import type { LogSettings } from './settings.js';
import { Spinner } from './spinner.js';

/** Where our lines go. */
export interface Logger {
  readonly log: Log;
  /** Only on a terminal that can redraw a line, when the log is for people and not silenced. */
  readonly spinner: Spinner | undefined;
  /** How the guardian is to write the one line that it may have to. */
  readonly lastWord: 'json' | 'pretty' | 'silent';
  /** Loads what writes the log; the lines until then wait. To be called when there is time for it: it takes 4 ms. */
  start(): Promise<void>;
  /** Resolves when all lines are out, or after `limitMs`: nobody may be reading. */
  flush(limitMs: number): Promise<void>;
}

/** What the log's look depends on besides its options. */
export interface LogPlace {
  readonly terminal: boolean;
  readonly env: NodeJS.ProcessEnv;
}

interface Look {
  readonly format: 'json' | 'pretty';
  readonly colours: boolean;
  readonly spinner: boolean;
}

/** How the log looks: `NO_COLOR` as on no-color.org, `TERM=dumb` as a terminal that cannot redraw. */
export function lookOf(settings: LogSettings, { terminal, env }: LogPlace): Look {
  const format = settings.format ?? (terminal ? 'pretty' : 'json');
  const able = terminal && format === 'pretty' && env['TERM'] !== 'dumb';
  const talkative = ['trace', 'debug', 'info'].includes(settings.level);
  return { format, colours: able && !env['NO_COLOR'], spinner: able && talkative };
}

/** The logger of this process, to stderr. */
export function openLogger(settings: LogSettings, clock: Clock, env: NodeJS.ProcessEnv): Logger {
  const look = lookOf(settings, { terminal: isatty(2), env });
  return createLogger(settings, look, clock, openStderr());
}

/** @param fd a descriptor that is ours alone to write to */
export function createLogger(settings: LogSettings, look: Look, clock: Clock, fd: number): Logger {
  const output = new Output(fd, clock, (dropped) =>
    look.format === 'json'
      ? `${JSON.stringify({ level: 'warn', name: 'lockex', dropped, msg: `${dropped} log lines were dropped` })}\n`
      : `lockex: ${dropped} log lines were dropped\n`,
  );
  const spinner = new Spinner(output, clock);
  const stream = {
    write(text: string) {
      if (look.format === 'json') output.write(text);
      // pino writes one record at a time, and made this text itself.
      else spinner.log(readable(JSON.parse(text) as LogRecord, look.colours));
    },
  };
  const log = new DeferredLog();
  let starting: Promise<void> | undefined;
  const start = () => {
    starting ??= import('pino').then(({ default: pino }) =>
      log.become(pino({ ...pinoOptions(settings), timestamp: pino.stdTimeFunctions.isoTime }, stream)),
    );
    return starting;
  };
  return {
    log,
    start,
    spinner: look.spinner ? spinner : undefined,
    lastWord: settings.level === 'silent' ? 'silent' : look.format,
    flush: async (limitMs) => {
      await start();
      await output.flush(limitMs);
    },
  };
}

function pinoOptions(settings: LogSettings): pino.LoggerOptions {
  return {
    level: settings.level,
    base: { name: 'lockex', pid: process.pid },
    formatters: { level: (label) => ({ level: label }) },
  };
}
