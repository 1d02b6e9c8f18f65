import { writeSync } from 'node:fs';
import { pid } from 'node:process';

/** What the guardian says when nobody else can: one line on the supervisor's standard error, in the log's format. */
export function lastWord(message: string, format: string): void {
  if (format === 'silent') return;
  const text = `guardian: ${message}`;
  const line =
    format === 'json'
      ? JSON.stringify({ level: 'error', time: new Date().toISOString(), name: 'lockex', pid, msg: text })
      : `lockex: ${text}`;
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // Nobody reads it any more.
  }
}
