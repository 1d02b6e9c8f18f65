import { codeOf, UsageError } from '../util/errors.js';

/**
 * Loads the client library of a service, which not everybody has a use for and not everybody installs.
 * @param load imports it, and nothing else
 * @throws UsageError, saying what to install, when it is not there
 */
export async function loadOptional<T>(scheme: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isAbsent(error, name)) throw error;
    throw new UsageError(
      `${scheme}:// expected the npm package ${name} beside lockex, which is not installed`,
      { cause: error, hint: `npm install ${name} where lockex is installed` },
    );
  }
}

/** Not found by `import` or by `require`, and it itself, not something that it needs. */
function isAbsent(error: unknown, name: string): boolean {
  const code = codeOf(error);
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return error instanceof Error && error.message.includes(`'${name}'`);
}
