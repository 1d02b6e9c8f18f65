import { printable } from '../util/words.js';

/** A record of the log, as pino made it. */
export type LogRecord = Readonly<Record<string, unknown>>;

/** Select Graphic Rendition, ECMA-48 8.3.117. */
const COLOURS: ReadonlyMap<unknown, number> = new Map([
  ['trace', 90],
  ['debug', 90],
  ['warn', 33],
  ['error', 31],
  ['fatal', 31],
]);

const SHOWN_ELSEWHERE = new Set(['level', 'time', 'pid', 'name', 'msg', 'hint']);

/** One record as one line for people, without its newline; the fields are shown at `debug` and `trace` only. */
export function readable(record: LogRecord, colours: boolean): string {
  const { level, msg, hint } = record;
  const grave = level === 'info' ? '' : `${level}: `;
  const advice = typeof hint === 'string' ? ` (${hint})` : '';
  const fields = level === 'debug' || level === 'trace' ? showFields(record) : '';
  const text = printable(`${grave}${String(msg ?? '')}${advice}${fields}`);
  const prefix = `lockex ${clockTime(record['time'])}`;
  const colour = COLOURS.get(level);
  if (!colours) return `${prefix} ${text}`;
  return `\x1b[2m${prefix}\x1b[0m ${colour === undefined ? text : `\x1b[${colour}m${text}\x1b[0m`}`;
}

/** `HH:MM:SS`, local. */
function clockTime(time: unknown): string {
  const date = new Date(String(time));
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

function showFields(record: LogRecord): string {
  return Object.entries(record)
    .filter(([key]) => !SHOWN_ELSEWHERE.has(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
}
