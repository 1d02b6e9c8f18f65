/** A server process that can be broken and healed. */
export interface BreakableServer {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  kill(): Promise<unknown>;
  stop(): Promise<unknown>;
  /** Starts it again, with what it kept on disk. */
  launch(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): void;
}

/** A lock service of real servers, all of which a test may break. */
export interface LockService extends AsyncDisposable {
  /** None, where there are no servers. */
  readonly servers: readonly BreakableServer[];
  /** Its URL, its servers reached by way of these addresses. */
  urlOf(addresses: readonly string[]): string;
  /** Resolves when all servers serve. */
  serves(): Promise<void>;
  /** What an administrator does who clears a lock away: `resource` is `lockex/NAME`. */
  deleteLock(resource: string): Promise<void>;
}
