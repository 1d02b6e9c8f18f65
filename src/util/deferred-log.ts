import type { Log, LogFields } from './log.js';

/** A log for the time before there is one: keeps the lines, and hands them on, in order, once it has become another. */
export class DeferredLog implements Log {
  readonly #kept: ((log: Log) => void)[] = [];
  #log: Log | undefined;

  /** Every line goes to `log`: those that were kept now, the others as they come. */
  become(log: Log): void {
    this.#log = log;
    for (const line of this.#kept.splice(0)) line(log);
  }

  debug(fields: LogFields, message: string): void {
    this.#write((log) => log.debug(fields, message));
  }

  info(fields: LogFields, message: string): void {
    this.#write((log) => log.info(fields, message));
  }

  warn(fields: LogFields, message: string): void {
    this.#write((log) => log.warn(fields, message));
  }

  error(fields: LogFields, message: string): void {
    this.#write((log) => log.error(fields, message));
  }

  #write(line: (log: Log) => void): void {
    if (this.#log === undefined) this.#kept.push(line);
    else line(this.#log);
  }
}
