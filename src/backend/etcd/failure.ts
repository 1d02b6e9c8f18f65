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
 * - `full`: the cluster takes no more writes until somebody makes room
 * - `passing`: it may work over another connection, or later
 * - `other`: nothing that we know of
 */
export type Failure = 'lease-gone' | 'lease-exists' | 'refused' | 'no-auth' | 'full' | 'passing' | 'other';

export function failureOf(error: unknown): Failure {
  if (error instanceof NoAnswerError) return 'passing';
  if (error instanceof LockexError) return 'other';
  const message = messageOf(error);
  const status = statusOf(message);
  if (message.includes('requested lease not found')) return 'lease-gone';
  if (message.includes('lease already exists')) return 'lease-exists';
  if (message.includes('authentication is not enabled')) return 'no-auth';
  if (message.includes('database space exceeded')) return 'full';
  // A token that has lived too long, or was made before users were changed: a new connection gets a new one.
  if (/invalid auth token|auth store is old/.test(message)) return 'passing';
  if (/authentication failed|user name is empty/.test(message) || status === PERMISSION_DENIED)
    return 'refused';
  return PASSING.has(status) ? 'passing' : 'other';
}

/**
 * Whether one side of TLS does not accept the other's certificate: trying again does not help. gRPC has no code for it, only
 * what Node and OpenSSL say.
 */
export function isTlsRefusal(error: unknown): boolean {
  return /\bcertificate\b|SSL alert number/.test(messageOf(error));
}

/**
 * gRPC's words around what happened, for people who need not know gRPC: the status, what its balancer made of it, when it
 * was; and OpenSSL's, of which one in the middle says what is wrong.
 */
const AROUND = new RegExp(
  [
    String.raw`^\d{1,2} [A-Z_]{2,}: `,
    String.raw`No connection established\. Last error: (?:Error(?: \[\w+\])?: )?`,
    String.raw`\.? Resolution note: .*$`,
    String.raw`\s*\(\d{4}-\d\d-\d\dT[\d:.]+Z\)`,
    String.raw`\b[0-9A-F]+:error:[0-9A-F]+:[^:]*:\w*:`,
    String.raw`:\S*\.c:\d+:(?:SSL alert number \d+)?\s*`,
  ].join('|'),
  'g',
);

/** What went wrong, in as few words as say it, on one line. */
export function plainly(error: unknown): string {
  const message = messageOf(error);
  const plain = message.replaceAll(AROUND, '').replaceAll(/\s+/g, ' ').trim() || message;
  // HTTP/2's word for what is not even that.
  if (plain === 'Protocol error') return "what answers there speaks no gRPC: is it etcd's port for clients?";
  return plain;
}
