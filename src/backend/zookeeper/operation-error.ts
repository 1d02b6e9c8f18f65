/** Codes of org.apache.zookeeper.KeeperException that something here decides on; any other keeps its number. */
const NAMES = {
  '-4': 'CONNECTION_LOSS',
  '-7': 'OPERATION_TIMEOUT',
  '-101': 'NO_NODE',
  '-102': 'NO_AUTH',
  '-103': 'BAD_VERSION',
  '-110': 'NODE_EXISTS',
  '-111': 'NOT_EMPTY',
  '-112': 'SESSION_EXPIRED',
  '-114': 'INVALID_ACL',
  '-115': 'AUTH_FAILED',
  '-118': 'SESSION_MOVED',
  '-127': 'THROTTLED',
} as const;

type KnownCode = keyof typeof NAMES;

/** What an operation failed with: a name, or `ERROR_n` for a code that nothing here decides on. */
export type OperationCode = (typeof NAMES)[KnownCode] | `ERROR_${number}`;

/** Failures after which nobody knows whether the operation was done; the session may well live on. */
const UNSETTLED: ReadonlySet<OperationCode> = new Set([
  'CONNECTION_LOSS',
  'OPERATION_TIMEOUT',
  'SESSION_MOVED',
  'THROTTLED',
]);

/** One ZooKeeper operation that failed. */
export class OperationError extends Error {
  readonly code: OperationCode;

  constructor(code: OperationCode, operation: string, path: string) {
    super(`ZooKeeper: ${operation} ${path}: ${code}`);
    this.name = 'OperationError';
    this.code = code;
  }
}

/** The name of a server's error code. Total: servers newer than the client library send codes it does not know. */
export function codeName(code: number): OperationCode {
  const key = String(code);
  return isKnown(key) ? NAMES[key] : `ERROR_${code}`;
}

/** Whether `error` is an operation that failed with one of `codes`. */
export function failedWith(error: unknown, ...codes: readonly OperationCode[]): error is OperationError {
  return error instanceof OperationError && codes.includes(error.code);
}

/** Whether it is unknown if the operation was done. */
export function isUnsettled(error: unknown): boolean {
  return error instanceof OperationError && UNSETTLED.has(error.code);
}

function isKnown(key: string): key is KnownCode {
  return key in NAMES;
}
