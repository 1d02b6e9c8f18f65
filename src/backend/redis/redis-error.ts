import {
  type LockexError,
  messageOf,
  NotPermittedError,
  ServiceUnreachableError,
} from '../../util/errors.js';
import { OUT_OF_REACH, TLS_REFUSED } from '../hints.js';
import { isTlsRefusal } from '../zookeeper/dial.js';

/** The first word of an error of redis that another attempt does not cure. */
const REFUSED = /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR AUTH)/;
/** A script's own error is wrapped: `ERR … script: …: NOPERM …`, and in Redis 7 `NOPERM … script: …`. */
const REFUSED_IN_SCRIPT = /NOPERM|can't run this command/;

/** What a user of redis must be allowed to do, as an access list has it; `+select` for a database other than 0. */
export const RIGHTS =
  '~lockex:* &lockex:* +eval +select +info +time +subscribe +unsubscribe +publish +@hash +get +set +del +exists +pttl +pexpire';

/** What ioredis says of a command whose connection ended, whatever ended it. */
const BROKEN = /^(Reached the max retries|Connection is closed|Stream isn't writeable).*$/;

/** What ioredis says in the terms of its own options, redis in those of scripts, and what an operator needs to know. */
const PLAIN: readonly (readonly [RegExp, string])[] = [
  [BROKEN, 'the connection broke'],
  [/^Socket timeout\. .* in ([\d.]+)ms\.$/, 'no answer within $1 ms'],
  [
    /^Unknown RESP type \d+ "(.)".*$/s,
    'expected a redis, got an answer of something else, which begins with "$1"',
  ],
  [/\.? script: [0-9a-f]{40}, on @user_script:\d+\.$/, ''],
];

function plainly(text: string): string {
  const [pattern, words] = PLAIN.find(([candidate]) => candidate.test(text)) ?? [/^$/, 'no connection'];
  return text.replace(pattern, words);
}

/** Whether this says only that the connection ended, and not why. */
export function isBreak(error: unknown): boolean {
  return BROKEN.test(messageOf(error));
}

/** The commands on the line of a script that redis says it stopped at; none when it says nothing of the kind. */
function commandsAt(text: string, script: string): readonly string[] {
  const line = script.split('\n')[Number(/@user_script:\s?(\d+)/.exec(text)?.[1]) - 1] ?? '';
  return [...line.matchAll(/redis\.p?call\('(\w+)'/g)].flatMap(([, command]) => command ?? []);
}

/**
 * The error as lockex has it.
 * @param script what was run, if it was a script: redis names neither the command nor the right that a user lacks there
 */
export function redisError(server: string, error: unknown, script = ''): LockexError {
  const text = messageOf(error);
  const message = `redis at ${server}: ${plainly(text)}`;
  if (isTlsRefusal(error)) {
    return new NotPermittedError(message, { cause: error, ...TLS_REFUSED });
  }
  if (REFUSED.test(text) || REFUSED_IN_SCRIPT.test(text)) {
    const commands = commandsAt(text, script);
    const which = commands.length === 0 ? '' : `: ${commands.join(' or ')}`;
    const hint = `check the login; a user of its own needs ${RIGHTS}`;
    return new NotPermittedError(`${message}${which}`, { cause: error, hint, settings: ['login'] });
  }
  if (error instanceof Error && error.name === 'ReplyError') {
    return new ServiceUnreachableError(message, {
      cause: error,
      hint: 'the server is up, and says so itself',
    });
  }
  return new ServiceUnreachableError(message, { cause: error, ...OUT_OF_REACH });
}
