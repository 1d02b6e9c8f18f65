import { whatIsWrongWith, whatIsWrongWithParent } from '../backend/resource-name.js';
import { UsageError } from '../util/errors.js';
import { flagOf } from './option-names.js';
import type { OptionName } from './options.js';

/**
 * The resource that a lock path and a lock id name. One slash before and one after the path are allowed, as the
 * original allowed them.
 * @throws UsageError naming the option
 */
export function resourceOf(lockpath: string, lockid: string): string {
  return `${checkName('lockpath', lockpath.replace(/^\/|\/$/g, ''))}/${checkName('lockid', lockid)}`;
}

function checkName(option: OptionName, name: string): string {
  const refuse = (expected: string, got: string) =>
    new UsageError(`${flagOf(option)}: expected ${expected}, got ${JSON.stringify(name)}: ${got}`);
  const wrong = whatIsWrongWith(name);
  if (wrong !== undefined) throw refuse('names joined by "/"', wrong);
  const taken = option === 'lockpath' ? whatIsWrongWithParent(name) : undefined;
  if (taken !== undefined) throw refuse('a path of our own', taken);
  return name;
}
