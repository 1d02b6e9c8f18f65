import { dirname, join } from 'node:path';
import { Run, type RunOptions } from './run.js';

/** The built binary. */
export const LOCKEX = join(import.meta.dirname, '..', '..', 'bin', 'lockex');

/** One log line as JSON has it. */
export type LogLine = Readonly<Record<string, unknown>>;

/** The lines of `text` that are JSON objects; a last line without its end is not there yet. */
export function jsonLines(text: string): LogLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      if (!line.startsWith('{')) return [];
      try {
        // A line that begins with a brace and parses is an object.
        return [JSON.parse(line) as LogLine];
      } catch {
        return [];
      }
    });
}

/** `lockex` at work. */
export class Lockex extends Run {
  /** The log lines on stderr so far. */
  get logs(): readonly LogLine[] {
    return jsonLines(this.stderr);
  }

  /** Whether a log line so far has this text in its message. */
  hasLogged(text: string): boolean {
    return this.logs.some((line) => String(line['msg']).includes(text));
  }
}

/** `PATH` that finds the Node that runs the tests first. */
export const NODE_FIRST_PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;

/**
 * Starts the built binary with these arguments, without a terminal, in a clean environment. It needs
 * `npm run build` before.
 */
export function lockex(args: readonly string[], options: RunOptions = {}): Lockex {
  return new Lockex(LOCKEX, args, { ...options, env: { PATH: NODE_FIRST_PATH, ...options.env } });
}
