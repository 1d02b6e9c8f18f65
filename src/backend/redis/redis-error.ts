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

/** What ioredis says in the terms of its own options, and what an operator needs to know. */
const PLAIN: readonly (readonly [RegExp, string])[] = [
  [/^(Reached the max retries|Connection is closed|Stream isn't writeable).*$/, 'the connection broke'],
  [/^Unknown RESP type.*$/, 'what answers there speaks no redis'],
  [/^Socket timeout\. .* in ([\d.]+)ms\.$/, 'no answer within $1 ms'],
];

function plainly(text: string): string {
  const [pattern, words] = PLAIN.find(([candidate]) => candidate.test(text)) ?? [/^$/, 'no connection'];
  return text.replace(pattern, words);
}

/** The error as lockex has it. */
export function redisError(server: string, error: unknown): LockexError {
  const message = `redis at ${server}: ${plainly(messageOf(error))}`;
  if (isTlsRefusal(error)) {
    return new NotPermittedError(message, { cause: error, ...TLS_REFUSED });
  }
  if (REFUSED.test(messageOf(error)) || REFUSED_IN_SCRIPT.test(messageOf(error))) {
    const hint = `check the login; a user of its own needs ${RIGHTS}`;
    return new NotPermittedError(message, { cause: error, hint, settings: ['login'] });
  }
  return new ServiceUnreachableError(message, { cause: error, ...OUT_OF_REACH });
}
