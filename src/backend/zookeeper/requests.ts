import type { Clock } from '../../util/clock.js';
import type { Settle } from './nodes.js';
import { codeName, failedWith, OperationError } from './operation-error.js';

export interface RequestsOptions {
  readonly clock: Clock;
  /** The longest that a reply may take, ms, asked at each request. */
  readonly limitMs: () => number;
  /** A server answered at `answeredAt` what was sent at `sentAt`, monotonic ms. */
  readonly onAnswered: (sentAt: number, answeredAt: number) => void;
  /** The connection proved to be of no use. */
  readonly onUseless: (reason: string) => void;
}

/**
 * The requests that are on their way. Every one of them settles: by its reply, by its limit, or when the
 * connection ends, whatever the library does with its callback. (It loses some: those queued while disconnected,
 * and the one whose reply came out of order.)
 */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #pending = new Set<() => void>();

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** @throws OperationError */
  run<T>(operation: string, path: string, start: (settle: Settle<T>) => void): Promise<T> {
    const { clock, onAnswered, onUseless } = this.#options;
    const limitMs = this.#options.limitMs();
    const sentAt = clock.now();
    return new Promise<T>((resolve, reject) => {
      const settle = (act: () => void) => {
        limit.cancel();
        this.#pending.delete(lose);
        act();
      };
      const fail = (error: OperationError) => settle(() => reject(error));
      const lose = () => fail(new OperationError('CONNECTION_LOSS', operation, path));
      const limit = clock.setTimer(limitMs, () => {
        fail(new OperationError('OPERATION_TIMEOUT', operation, path));
        onUseless(`no reply to ${operation} in ${Math.round(limitMs)} ms`);
      });
      this.#pending.add(lose);
      start((error, value) => {
        if (!error) {
          onAnswered(sentAt, clock.now());
          return settle(() => resolve(value));
        }
        const failure = new OperationError(codeName(error.code), operation, path);
        fail(failure);
        if (failedWith(failure, 'SESSION_MOVED')) onUseless('the session has moved to another server');
      });
    });
  }

  /** The connection ended: none of them will be answered. */
  settleAll(): void {
    for (const lose of [...this.#pending]) lose();
  }
}
