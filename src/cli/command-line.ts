import { isUtf8 } from 'node:buffer';
import { UsageError } from '../util/errors.js';
import { decodeRaw } from '../util/raw-text.js';
import { quoted } from '../util/words.js';

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
 * The words of our command line byte for byte (raw-text.ts): a command must get its arguments so, and Node has altered in
 * reading them what is not UTF-8.
 * @param words the arguments as Node decoded them
 * @param rawCommandLine gives the process's own NUL-terminated argv, `undefined` where it cannot be had; called
 *   only when a word is suspect
 * @throws UsageError when a word is suspect and cannot be had as it was given
 */
export function exactWords(
  words: readonly string[],
  rawCommandLine: () => Buffer | undefined,
): readonly string[] {
  const suspect = words.find((word) => word.includes(REPLACEMENT));
  if (suspect === undefined) return words;
  const raw = rawCommandLine();
  // Node's own arguments come first; ours are the last ones.
  const parts = raw === undefined ? [] : readRaw(raw).slice(-words.length);
  if (parts.length === words.length && parts.every((part, index) => isReadAs(part, words[index]))) {
    return parts.map(decodeRaw);
  }
  throw new UsageError(
    `expected arguments in UTF-8, got ${quoted(suspect)}, and /proc/self/cmdline does not tell what it was`,
    { hint: 'put the command into a script' },
  );
}

/** Whether Node may have made this word of these bytes: whoever changes its own title writes over its arguments. */
function isReadAs(part: Buffer, word: string | undefined): boolean {
  return isUtf8(part) ? part.toString('utf8') === word : word?.includes(REPLACEMENT) === true;
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

/**
 * The environment byte for byte (raw-text.ts), as far as it can be had.
 * @param rawEnvironment as of `alteredVariables`
 */
export function exactEnvironment(
  env: NodeJS.ProcessEnv,
  rawEnvironment: () => Buffer | undefined,
): NodeJS.ProcessEnv {
  const altered = new Set(alteredVariables(env, rawEnvironment));
  const raw = altered.size === 0 ? undefined : rawEnvironment();
  if (raw === undefined) return env;
  const exact = readRaw(raw)
    .filter((part) => !isUtf8(part))
    .map((part) => /^(.*?)=(.*)$/s.exec(decodeRaw(part)) ?? [])
    .flatMap(([, name, value]) =>
      name === undefined || value === undefined ? [] : [[name, value] as const],
    );
  const others = Object.entries(env).filter(([name]) => !altered.has(name));
  return Object.fromEntries([...others, ...exact]);
}
