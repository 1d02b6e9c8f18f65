import type { Given, Layer } from './argv.js';
import { allOptions, variablesOf } from './option-names.js';
import type { OptionName } from './options.js';

/**
 * The options that the environment gives, in layers, the stronger first: `LOCKEX_<NAME>`, then names that other
 * programs use, too (`ZKHOSTS`). An empty variable is given, and refused later: to take it as unset would lock
 * something else than was meant.
 * @param env byte for byte (raw-text.ts)
 */
export function readEnvironment(env: NodeJS.ProcessEnv): readonly Layer[] {
  return [0, 1].map((rank) => {
    const layer = new Map<OptionName, Given>();
    for (const [name] of allOptions()) {
      const variable = variablesOf(name)[rank];
      const text = variable === undefined ? undefined : env[variable];
      if (variable !== undefined && text !== undefined) layer.set(name, { text, label: variable });
    }
    return layer;
  });
}
