import { UsageError } from '../util/errors.js';
import type { Given, Layer } from './argv.js';
import type { OptionName } from './options.js';
import { readBoolean } from './values.js';

/** Whether a switch is on, off, or not given in this layer. */
export function switchIn(layer: Layer, name: OptionName): boolean | undefined {
  const given = layer.get(name);
  return given === undefined ? undefined : readBoolean(given);
}

/**
 * Which of several options that exclude each other decides: the one in the first layer that has one. So an option
 * on the command line silences its rivals in the environment, and two in one place contradict each other.
 * @param switches those of `names` that only count when they are on
 * @throws UsageError
 */
export function oneOf<N extends OptionName>(
  layers: readonly Layer[],
  names: readonly N[],
  switches: readonly OptionName[],
): { readonly name: N; readonly given: Given } | undefined {
  for (const layer of layers) {
    const found = names.flatMap((name) => {
      const given = layer.get(name);
      if (given === undefined || (switches.includes(name) && !readBoolean(given))) return [];
      return [{ name, given }];
    });
    const [first, second] = found;
    if (first !== undefined && second !== undefined)
      throw contradiction(first.given.label, second.given.label);
    if (first !== undefined) return first;
  }
  return undefined;
}

/** Two options that cannot both be meant. */
export function contradiction(one: string, other: string): UsageError {
  return new UsageError(`expected ${one} or ${other}, got both`, { hint: 'leave one of them out' });
}
