/**
 * What stands beside a lock: a semaphore's queue, the markers of its holders and of minimum holds. A lock of that name would
 * be taken for it.
 */
const SUFFIXES = ['-__lock__', '-__unreleased__', '-__held__'];

/** What is wrong with names joined by `/`, as the path of a lock and as its id; `undefined` if nothing is. */
export function whatIsWrongWith(names: string): string | undefined {
  return names
    .split('/')
    .map(whatIsWrong)
    .find((wrong) => wrong !== undefined);
}

/** What is wrong with them as what all our locks are below. */
export function whatIsWrongWithParent(names: string): string | undefined {
  return names.split('/')[0] === 'zookeeper' ? 'the servers of ZooKeeper keep theirs there' : undefined;
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
