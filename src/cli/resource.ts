import { UsageError } from '../util/errors.js';
import { flagOf } from './option-names.js';
import type { OptionName } from './options.js';

/** What stands beside a lock: a semaphore's queue, the markers of its holders and of minimum holds. A lock of that name would be taken for it. */
const SUFFIXES = ['-__lock__', '-__unreleased__', '-__held__'];

/**
 * The resource that a lock path and a lock id name. One slash before and one after the path are allowed, as the
 * original allowed them.
 * @throws UsageError naming the option
 */
export function resourceOf(lockpath: string, lockid: string): string {
  return `${checkName('lockpath', lockpath.replace(/^\/|\/$/g, ''))}/${checkName('lockid', lockid)}`;
}

function checkName(option: OptionName, name: string): string {
  const bad = name.split('/').find((segment) => whatIsWrong(segment) !== undefined);
  if (bad !== undefined) {
    throw new UsageError(
      `${flagOf(option)}: expected names joined by "/", got ${JSON.stringify(name)}: ${whatIsWrong(bad)}`,
    );
  }
  if (option === 'lockpath' && name.split('/')[0] === 'zookeeper') {
    throw new UsageError(
      `${flagOf(option)}: expected a path of our own, got "zookeeper": the servers keep theirs there`,
    );
  }
  return name;
}

function whatIsWrong(segment: string): string | undefined {
  if (segment === '') return 'a name is empty';
  if (segment === '.' || segment === '..') return `${JSON.stringify(segment)} is no name`;
  const suffix = SUFFIXES.find((each) => segment.endsWith(each));
  if (suffix !== undefined) return `a name must not end in "${suffix}"`;
  // What ZooKeeper refuses in a path (PathUtils.validatePath): control characters; surrogates and the private use
  // area; the specials, U+FFFD among them.
  if (/\p{Cc}/u.test(segment) || /[\uD800-\uF8FF\uFFF0-\uFFFF]/.test(segment)) {
    return 'it has a character that no name may have';
  }
  return undefined;
}
