import { whatIsWrongWith } from '../backend/resource-name.js';
import { UsageError } from '../util/errors.js';

/**
 * The resource that the name of a lock stands for.
 * @throws UsageError for what is no name
 */
export function resourceOf(namespace: string, name: string): string {
  // What the types refuse, a program without type checks may say.
  const wrong = typeof name === 'string' ? whatIsWrongWith(name) : 'it is no text';
  if (wrong === undefined) return `${namespace}/${name}`;
  throw new UsageError(
    `name: expected the name of a lock, or several joined by "/", got ${JSON.stringify(name)}: ${wrong}`,
  );
}
