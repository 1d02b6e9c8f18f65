import type { OptionSpec } from './option-spec.js';
import { OPTIONS, type OptionName } from './options.js';

/** All options with their names. */
export function allOptions(): readonly (readonly [OptionName, OptionSpec])[] {
  // `Object.entries` widens the keys to string; they are the table's own.
  return Object.entries(OPTIONS) as [OptionName, OptionSpec][];
}

/** One option, by its full type. */
export function specOf(name: OptionName): OptionSpec {
  return OPTIONS[name];
}

/** The variables of the environment from which an option is read, the more specific first. */
export function variablesOf(name: OptionName): readonly string[] {
  const { kind, env } = specOf(name);
  if (kind === 'request') return [];
  const own = `LOCKEX_${name.toUpperCase().replaceAll('-', '_')}`;
  return env === undefined ? [own] : [own, env];
}

/** An option as it is written in a message: `--lockid (-i)`. */
export function flagOf(name: OptionName): string {
  const { alias } = specOf(name);
  return alias === undefined ? `--${name}` : `--${name} (-${alias})`;
}
