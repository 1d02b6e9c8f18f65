/** What went wrong, in the terms of the exit status table; `cli` alone turns a kind into a number. */
export type FailureKind =
  | 'usage'
  | 'not-acquired'
  | 'unreachable'
  | 'not-permitted'
  | 'lease-lost'
  | 'wrong-kind'
  | 'not-executable'
  | 'not-found';

/**
 * A setting that an error is about, by its name in the library. Who has other names for them, as the command line has, says
 * these.
 */
export type Setting =
  | 'url'
  | 'ttl'
  | 'lossGrace'
  | 'login'
  | 'tls'
  | 'name'
  | 'permits'
  | 'hold'
  | 'handoverDelay'
  | 'isolation'
  | 'command';

/** What an error has beside its message. */
export interface ErrorDetails {
  /** What was thrown below. */
  readonly cause?: unknown;
  /** What to do about it. */
  readonly hint?: string;
  /** The settings that it is about. */
  readonly settings?: readonly Setting[];
}

/**
 * The base of every error that lockex throws on purpose. The message is one line that says what was
 * expected and what came; `hint`, where there is one, says what to do, and `settings` which of them it is about.
 * Anything else that is thrown is a bug in lockex.
 */
export abstract class LockexError extends Error {
  /** What went wrong; also where `instanceof` does not tell, since there are two versions of lockex. */
  abstract readonly kind: FailureKind;
  /** What to do about it, in one line. */
  readonly hint: string | undefined;
  /** The settings that it is about, by their names in the library. */
  readonly settings: readonly Setting[];

  /** @param message one line: what was expected, and what came */
  constructor(message: string, { cause, hint, settings = [] }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.hint = hint;
    this.settings = settings;
  }
}

/** An option, address or timing that cannot be used as given. */
export class UsageError extends LockexError {
  readonly kind = 'usage';
}

/** The permit was not free, and who asked did not want to wait, or not any longer. */
export class LockNotAcquiredError extends LockexError {
  readonly kind = 'not-acquired';
}

/** The permit did not become free in the time that was given. */
export class LockTimeoutError extends LockNotAcquiredError {}

/** No session with the lock service within the time or the attempts allowed. */
export class ServiceUnreachableError extends LockexError {
  readonly kind = 'unreachable';
}

/** The session ended while we were waiting in line: our place is gone, and nothing of ours was running. */
export class SessionLostError extends LockexError {
  readonly kind = 'unreachable';
}

/** The service refused our credentials, or what they may do. */
export class NotPermittedError extends LockexError {
  readonly kind = 'not-permitted';
}

/** The resource is held, or set up, as another kind of lock or with another number of permits. */
export class WrongKindError extends LockexError {
  readonly kind = 'wrong-kind';
}

/** The command could not be started: there is no such file, or it is no program that we may run. */
export class CommandError extends LockexError {
  readonly kind: 'not-executable' | 'not-found';

  constructor(kind: 'not-executable' | 'not-found', message: string, details?: ErrorDetails) {
    super(message, details);
    this.kind = kind;
  }
}

/**
 * Why a lease counts as lost.
 * - `silence`: no renewal was acknowledged for so long that the tree has to be stopped now to be dead in time
 * - `expired`: the service says that the session is over
 * - `deleted`: somebody deleted our node, key or file
 * - `refused`: the service no longer accepts our credentials
 * - `holder-died`: the process that held the lock for us ended
 * - `unguarded`: nobody would end the tree any more if we died
 */
export type LossCause = 'silence' | 'expired' | 'deleted' | 'refused' | 'holder-died' | 'unguarded';

/** The reason of a `Lease.lost` signal. */
export class LeaseLostError extends LockexError {
  readonly kind = 'lease-lost';
  /** Milliseconds from the moment of the loss until the tree must be dead; 0 when that moment has passed. */
  readonly remainingMs: number;
  /** How it was lost. */
  readonly lossCause: LossCause;

  /** @param remainingMs below 0, it is 0 */
  constructor(
    lossCause: LossCause,
    message: string,
    remainingMs: number,
    details?: Pick<ErrorDetails, 'cause'>,
  ) {
    super(message, details);
    this.lossCause = lossCause;
    this.remainingMs = Math.max(0, remainingMs);
  }
}

/** The text of anything that was thrown, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOENT`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
