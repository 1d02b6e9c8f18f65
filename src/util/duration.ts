import { UsageError } from './errors.js';

/** The units of a duration, in milliseconds. */
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

type Unit = keyof typeof UNIT_MS;

/** A span of time: a number of milliseconds, or a text that names its unit: `'500ms'`, `'15s'`, `'1.5m'`, `'2h'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

/**
 * Milliseconds of a text such as `15s`; `undefined` when it is none.
 * @param unitless what a number without a unit counts; one is refused if absent
 */
export function parseDuration(text: string, unitless?: Unit): number | undefined {
  const [, number = '', unit = unitless] = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)?$/.exec(text) ?? [];
  // The pattern lets nothing else through than these units.
  return number === '' || unit === undefined ? undefined : Number(number) * UNIT_MS[unit as Unit];
}

/**
 * Milliseconds of a duration.
 * @param name what it is of, for the message
 * @param leastMs the shortest that makes sense
 * @throws UsageError when it is no duration, or too short
 */
export function millisecondsOf(name: string, duration: Duration, leastMs: number): number {
  const ms = typeof duration === 'number' ? duration : parseDuration(duration);
  if (ms !== undefined && Number.isFinite(ms) && ms >= leastMs) return ms;
  const got = typeof duration === 'number' ? duration : JSON.stringify(duration);
  throw new UsageError(
    `${name}: expected milliseconds from ${leastMs}, or a text such as '500ms', '15s', '2m', got ${got}`,
  );
}
