import { UsageError } from '../util/errors.js';
import type { Lock } from './lock.js';
import { Locks } from './locks.js';
import { openingOf, type Where } from './opening.js';
import { type ConnectOptions, readOptions } from './options.js';

/** Where the locks of a whole program are, and what they are like. */
export interface Configuration extends Omit<ConnectOptions, 'signal'> {
  /** As the first argument of `connect`. */
  readonly url: Where;
}

let configuration: Configuration | undefined;
let locks: Locks | undefined;

/**
 * Says once, for a whole program, where its locks are: {@link lock}, {@link semaphore} and {@link shared} are of that
 * service. Nothing is opened before the first of them is used.
 * @throws UsageError for options that cannot be used, and once a lock was made by them: `close()` comes before another
 *   configuration
 */
export function configure(options: Configuration): void {
  if (locks !== undefined) {
    throw new UsageError('configure: expected a program that has made no lock yet, got one that has', {
      hint: 'close() ends what was configured before',
    });
  }
  openingOf(options.url, readOptions(options));
  configuration = options;
}

/** As `Locks.lock`, of the configured service. @throws UsageError before `configure` */
export function lock(name: string): Lock {
  return configured().lock(name);
}

/** As `Locks.semaphore`, of the configured service. @throws UsageError before `configure` */
export function semaphore(name: string, permits: number): Lock {
  return configured().semaphore(name, permits);
}

/** As `Locks.shared`, of the configured service. @throws UsageError before `configure` */
export function shared(name: string): Lock {
  return configured().shared(name);
}

/** Ends what `configure` began, as `Locks.close`. The configuration stays, for locks that are made from now on. */
export async function close(): Promise<void> {
  const ending = locks;
  locks = undefined;
  await ending?.close();
}

function configured(): Locks {
  if (configuration === undefined) {
    throw new UsageError('expected configure({ url }) before the first lock, got none');
  }
  const { url, ...options } = configuration;
  locks ??= new Locks(url, options);
  return locks;
}
