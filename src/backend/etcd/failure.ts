import { LockexError, messageOf } from '../../util/errors.js';

/** No answer came, and the connection is given up. What was asked may have been done, or may still be. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

/** `14 UNAVAILABLE: …`: gRPC's status code stands in the message; the client library's own error classes drop it. */
function statusOf(message: string): number | undefined {
  const code = /\b(\d{1,2}) [A-Z_]{2,}: /.exec(message)?.[1];
  return code === undefined ? undefined : Number(code);
}

const [PERMISSION_DENIED, UNAUTHENTICATED] = [7, 16];

/**
 * CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS,
 * UNAUTHENTICATED: what says nothing of the request, but of the connection, the server, or the state the cluster is in.
 * (What we ask for is implemented by every etcd; UNIMPLEMENTED is what gRPC makes of a 404 of a web server or a proxy.)
 */
const PASSING: ReadonlySet<number | undefined> = new Set([1, 2, 4, 8, 10, 12, 13, 14, 15, UNAUTHENTICATED]);

/**
 * What an answer that is an error means for us.
 * - `lease-gone`: there is no such lease (any more)
 * - `lease-exists`: one of that id was granted before
 * - `refused`: the credentials, or the lack of them, or what they may do
 * - `no-auth`: a login was sent to a cluster that has none switched on
 * - `passing`: it may work over another connection, or later
 * - `other`: nothing that we know of
 */
export type Failure = 'lease-gone' | 'lease-exists' | 'refused' | 'no-auth' | 'passing' | 'other';

export function failureOf(error: unknown): Failure {
  if (error instanceof NoAnswerError) return 'passing';
  if (error instanceof LockexError) return 'other';
  const message = messageOf(error);
  const status = statusOf(message);
  if (message.includes('requested lease not found')) return 'lease-gone';
  if (message.includes('lease already exists')) return 'lease-exists';
  if (message.includes('authentication is not enabled')) return 'no-auth';
  // A token that has lived too long, or was made before users were changed: a new connection gets a new one.
  if (/invalid auth token|auth store is old/.test(message)) return 'passing';
  if (/authentication failed|user name is empty/.test(message) || status === PERMISSION_DENIED)
    return 'refused';
  return PASSING.has(status) ? 'passing' : 'other';
}

/** gRPC's words around what happened, for people who need not know gRPC: the status, and what its balancer made of it. */
const AROUND =
  /^\d{1,2} [A-Z_]{2,}: |No connection established\. Last error: (?:Error: )?|\.? Resolution note: .*$| \(\d{4}-[\d-]+T[\d:.]+Z\)/g;

/** What went wrong, in as few words as say it. */
export function plainly(error: unknown): string {
  const message = messageOf(error);
  const plain = message.replaceAll(AROUND, '') || message;
  // HTTP/2's word for what is not even that.
  return plain === 'Protocol error'
    ? "what answers there speaks no gRPC: is it etcd's port for clients?"
    : plain;
}
