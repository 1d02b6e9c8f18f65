/** Structured fields of a log line. Never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The part of a pino logger that is used: fields, then the message, at four levels. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

const ignore = (): void => {};

/** A log that nobody reads. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
