import { isUtf8 } from 'node:buffer';
import { UsageError } from '../util/errors.js';

/** What Node puts in the place of bytes that are not valid UTF-8. It can be typed, too. */
const REPLACEMENT = '\uFFFD';

const readRaw = (raw: Buffer): Buffer[] => {
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = raw.indexOf(0); end >= 0; end = raw.indexOf(0, start)) {
    parts.push(raw.subarray(start, end));
    start = end + 1;
  }
  return parts;
};

/**
 * Refuses words that Node has altered in reading them: a command must get its arguments byte for byte.
 * @param words the arguments as Node decoded them
 * @param rawCommandLine gives the process's own NUL-terminated argv, `undefined` where it cannot be had; called
 *   only when a word is suspect
 * @throws UsageError
 */
export function refuseAlteredWords(words: readonly string[], rawCommandLine: () => Buffer | undefined): void {
  if (!words.some((word) => word.includes(REPLACEMENT))) return;
  const raw = rawCommandLine();
  // Node's own arguments come first; ours are the last ones.
  const parts = raw === undefined ? undefined : readRaw(raw).slice(-words.length);
  const altered = words.find(
    (word, index) => word.includes(REPLACEMENT) && !isUtf8(parts?.[index] ?? Buffer.of(0xff)),
  );
  if (altered === undefined) return;
  throw new UsageError(
    `expected arguments in UTF-8, got ${JSON.stringify(altered)} (� stands for other bytes)`,
    {
      hint: 'Node cannot hand such bytes on unaltered; put the command into a script',
    },
  );
}

/**
 * The variables of the environment that the command would get altered, because they are not valid UTF-8.
 * @param rawEnvironment gives the process's own NUL-terminated environment, `undefined` where it cannot be had;
 *   called only when a variable is suspect
 */
export function alteredVariables(
  env: NodeJS.ProcessEnv,
  rawEnvironment: () => Buffer | undefined,
): readonly string[] {
  const suspects = Object.keys(env).filter((name) => `${name}${env[name]}`.includes(REPLACEMENT));
  if (suspects.length === 0) return [];
  const raw = rawEnvironment();
  if (raw === undefined) return suspects;
  const invalid = readRaw(raw)
    .filter((part) => !isUtf8(part))
    .map((part) => part.toString('utf8'));
  return suspects.filter((name) => invalid.some((entry) => entry.startsWith(`${name}=`)));
}
