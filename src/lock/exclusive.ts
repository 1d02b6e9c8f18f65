import type { Duration } from '../util/duration.js';
import { UsageError } from '../util/errors.js';
import type { Locks } from './locks.js';
import { optionalMs } from './options.js';

/** How a method is to be exclusive. */
export interface ExclusiveOptions {
  /**
   * The lock's name, or what makes it from the arguments of a call. `Class.method` if absent, with the name that the class
   * of the instance has when it is called: say one where a minifier changes names, or where subclasses are to share it.
   */
  readonly key?: string | ((...args: never[]) => string) | undefined;
  /** Whether a call waits for the lock; true if absent. */
  readonly blocking?: boolean | undefined;
  /** How long it waits: as of `Lock.acquire`. */
  readonly timeout?: Duration | undefined;
  /** Minimum hold: as of `Lock.acquire`. */
  readonly hold?: Duration | undefined;
}

/**
 * A method that takes its time, whatever its parameters: written as a method, since TypeScript lets one of narrower parameters
 * stand for it, as it does not for a function type.
 */
export type AsyncMethod<This> = { method(this: This, ...args: unknown[]): Promise<unknown> }['method'];

/** What decorates a method that takes its time; its type stays as it is, with type parameters of its own, too. */
export type ExclusiveDecorator = <This, Method extends AsyncMethod<This>>(
  method: Method,
  context: ClassMethodDecoratorContext<This, Method>,
) => Method;

/**
 * A decorator (TC39's, not that of `experimentalDecorators`) for a method that returns a promise: one call at a time, in all
 * programs that use the key. Each call is a contender of its own, so that calls within one program exclude each other, too.
 * Static methods work as well. The lock is not reentrant: a call from within the method to itself waits for ever.
 *
 * A call rejects with LockNotAcquiredError when the lock is not free and `blocking` is false, with LockTimeoutError when it
 * was not in time, and with LeaseLostError, once the method has settled, when the lock was lost meanwhile. A method that has
 * to heed the loss while it runs uses `Lock.hold` instead.
 *
 * @param locks whose locks, or what gives them at the time of the call
 * @param options or the key alone
 * @throws UsageError for options that cannot be used, or that contradict each other; and, while the class is being made, for
 *   what is no method
 */
export function exclusive(
  locks: Locks | (() => Locks | Promise<Locks>),
  options: string | ExclusiveOptions = {},
): ExclusiveDecorator {
  const { key, blocking = true, timeout, hold } = typeof options === 'string' ? { key: options } : options;
  optionalMs('timeout', timeout, 0);
  optionalMs('hold', hold, 0);
  if (!blocking && timeout !== undefined) {
    throw new UsageError('timeout: expected none with blocking: false, got one');
  }
  return <This, Method extends AsyncMethod<This>>(
    method: Method,
    context: ClassMethodDecoratorContext<This, Method>,
  ) => {
    checkDecorated(method, context);
    const { name } = context;
    async function exclusively(this: This, ...args: unknown[]): Promise<unknown> {
      // Whoever wrote the function wrote it for the arguments of this method.
      const made = typeof key === 'function' ? key(...(args as never[])) : key;
      const theirs = typeof locks === 'function' ? await locks() : locks;
      const lock = theirs.lock(made ?? defaultKey(this, name));
      return lock.hold(() => method.apply(this, args), { timeout: blocking ? timeout : 0, hold });
    }
    // It takes what the method takes, and resolves with what that resolves with, whatever their types.
    return exclusively as Method;
  };
}

/**
 * Refuses what the types refuse: not everything that makes JavaScript of a decorator looks at them. Under
 * `experimentalDecorators` what we return would be dropped, and the method run without the lock; a generator would be made
 * under it, and run without it.
 * @throws UsageError
 */
function checkDecorated(method: unknown, context: unknown): void {
  const isMethod =
    typeof method === 'function' &&
    typeof context === 'object' &&
    context !== null &&
    'kind' in context &&
    context.kind === 'method';
  if (!isMethod) {
    throw new UsageError('exclusive: expected a method, by the standard decorators, got something else', {
      hint: "TypeScript's experimentalDecorators are others; for what is no method, use hold()",
    });
  }
  if (/Generator/.test(Object.prototype.toString.call(method))) {
    throw new UsageError('exclusive: expected a method that returns a promise, got a generator', {
      hint: 'use hold() within it',
    });
  }
}

/** `Class.method`, of the class that the instance was made by, or of the class itself. */
function defaultKey(self: unknown, method: string | symbol): string {
  const made = typeof self === 'object' && self !== null ? self.constructor : self;
  const className = typeof made === 'function' ? made.name : '';
  if (className !== '' && typeof method === 'string') return `${className}.${method}`;
  throw new UsageError('exclusive: expected a method with a name, in a class with a name, got one without', {
    hint: 'give it a key',
  });
}
