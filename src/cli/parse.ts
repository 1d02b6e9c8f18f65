import { readArgv } from './argv.js';
import { readEnvironment } from './environment.js';
import { readSettings, type Settings } from './settings.js';
import { Values } from './values.js';
import { readVerifySettings, type VerifySettings } from './verify-settings.js';

/** What the user asked for. */
export type Request =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'verify'; readonly settings: VerifySettings }
  | { readonly kind: 'run'; readonly settings: Settings };

/**
 * Reads the words after `lockex`. What they say wins over the environment.
 * @throws UsageError for anything that is not understood; the message names the option
 */
export function parse(argv: readonly string[], env: NodeJS.ProcessEnv): Request {
  const words = readArgv(argv);
  if (words.kind === 'help' || words.kind === 'version') return words;
  const values = new Values([words.options, ...readEnvironment(env)]);
  if (words.kind === 'verify') {
    return { kind: 'verify', settings: readVerifySettings(values, env['LOCKEX_VERIFY']) };
  }
  return { kind: 'run', settings: readSettings(values, words.command) };
}
