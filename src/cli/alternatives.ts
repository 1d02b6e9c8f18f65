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
 * @param switches those of `names` that only count when they are on; turned off, they do not count in the layers below,
 *   either
 * @throws UsageError
 */
export function oneOf<N extends OptionName>(
  layers: readonly Layer[],
  names: readonly N[],
  switches: readonly OptionName[],
): { readonly name: N; readonly given: Given } | undefined {
  const off = new Set<OptionName>();
  for (const [rank, layer] of layers.entries()) {
    const found = names.flatMap((name) => {
      const given = layer.get(name);
      if (given === undefined || off.has(name)) return [];
      if (switches.includes(name) && !readBoolean(given)) {
        off.add(name);
        return [];
      }
      return [{ name, given }];
    });
    const [first, second] = found;
    if (first !== undefined && second !== undefined) {
      // What stands in the environment may be there for others, who need both.
      const flags = found.map(({ name }) => `--${name}`).join(', ');
      const hint = rank === 0 ? LEAVE_OUT : `${LEAVE_OUT}, or choose on the command line: ${flags}`;
      throw contradiction(first.given.label, second.given.label, hint);
    }
    if (first !== undefined) return first;
  }
  return undefined;
}

const LEAVE_OUT = 'leave one of them out';

/** Two options that cannot both be meant. */
export function contradiction(one: string, other: string, hint = LEAVE_OUT): UsageError {
  return new UsageError(`expected ${one} or ${other}, got both`, { hint });
}
