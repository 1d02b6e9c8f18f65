import type { Redis } from 'ioredis';
import { type LockexError, messageOf, UsageError } from '../../util/errors.js';
import type { Log } from '../../util/log.js';
import { isBreak, redisError } from './redis-error.js';

/** The first version of redis that will do. */
const OLDEST = 5;

/** One server, over one connection that is made again whenever it breaks. */
export class Master {
  /** `host:port` */
  readonly name: string;
  readonly client: Redis;
  /** How many connections came to nothing, or to an end. */
  failures = 0;
  #lastError: unknown;
  #greeted = false;
  #runId: string | undefined;

  /** @param client not connected yet, and ours */
  constructor(name: string, client: Redis) {
    this.name = name;
    this.client = client;
    client.on('error', (error: unknown) => {
      this.#lastError = error;
    });
    // What was wrong with earlier connections is not wrong with this one, whose refusal would still be to come.
    client.on('ready', () => {
      this.#lastError = undefined;
    });
    client.on('close', () => {
      this.#lastError ??= new Error('the connection broke');
      this.failures += 1;
      this.#greeted = false;
    });
  }

  /** Begins to connect, and goes on until it is closed. */
  connect(): void {
    // Each failure is an event, too, and is counted there.
    this.client.connect().catch(() => {});
  }

  /** Why there is no connection, or was none the last time. */
  get failure(): LockexError {
    return redisError(this.name, this.#lastError ?? 'no answer');
  }

  get isConnected(): boolean {
    return this.client.status === 'ready';
  }

  /** Whether the server has said, over this connection, that it can grant. */
  get isGreeted(): boolean {
    return this.#greeted;
  }

  /** Whether this is the same server as another one, by another of its names. */
  isSameAs(other: Master): boolean {
    return this.#runId !== undefined && this.#runId === other.#runId;
  }

  /**
   * Runs a script on the server, once, in the database of the client. The script chooses that itself: a choice that the
   * server refuses is forgotten by ioredis, which then works in the database 0, where others do not look for the lock.
   * @throws NotPermittedError; ServiceUnreachableError for everything else, a server without a connection included: the
   *   script may have run, or may still run
   */
  async run(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    if (!this.isConnected) throw this.failure;
    const whole = (this.#db === 0 ? '' : `redis.call('SELECT', '${this.#db}')\n`) + script;
    try {
      return await this.client.eval(whole, keys.length, ...keys, ...args);
    } catch (error) {
      throw this.#errorOf(error, whole);
    }
  }

  /**
   * The server's word that it is one that can grant, once a connection; waits for the connection, or its failure.
   * @throws UsageError when it is a replica, or does not have the database; NotPermittedError; ServiceUnreachableError
   *   when it does not answer
   */
  async greet(log: Log): Promise<void> {
    if (this.#greeted) return;
    if (!this.isConnected) await this.#attempted();
    await this.#greet(log);
    this.#greeted = true;
  }

  close(): void {
    this.client.disconnect();
  }

  /** What a command was rejected with, as lockex has it; why the connection ended, if all it says is that it did. */
  #errorOf(error: unknown, script?: string): LockexError {
    return redisError(this.name, isBreak(error) ? (this.#lastError ?? error) : error, script);
  }

  get #db(): number {
    return this.client.options.db ?? 0;
  }

  #attempted(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.client.off('ready', done).off('close', done);
        resolve();
      };
      this.client.on('ready', done).on('close', done);
    });
  }

  async #greet(log: Log): Promise<void> {
    if (!this.isConnected) throw this.failure;
    let info: string;
    try {
      info = await this.client.info();
    } catch (error) {
      const failure = this.#errorOf(error);
      if (!isBreak(error)) this.#lastError = error;
      throw failure;
    }
    const fact = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];
    this.#checkKind(fact('redis_mode'), fact('redis_version'));
    // A replica is told of a lock after the fact, so that a failover may lose one: the new master grants it again. WAIT
    // does not help, since a replica that has not heard may still be the one that is chosen. Several masters do.
    if (fact('role') !== 'master') {
      throw new UsageError(
        `redis at ${this.name}: expected a master, got a replica, which cannot grant a lock`,
        {
          hint: `its master is ${fact('master_host')}:${fact('master_port')}`,
        },
      );
    }
    await this.#choose();
    this.#runId = fact('run_id');
    if (Number(fact('maxmemory')) > 0 && fact('maxmemory_policy') !== 'noeviction') {
      log.warn(
        { server: this.name, policy: fact('maxmemory_policy') },
        'this redis may throw locks away when its memory is full: set maxmemory-policy to noeviction',
      );
    }
  }

  /** Before it is asked for its role, of which a sentinel says nothing. */
  #checkKind(mode: string | undefined, version: string | undefined): void {
    // The counter of the tokens is one for all locks, and a cluster would have it on another node.
    if (mode === 'cluster' || mode === 'sentinel') {
      throw new UsageError(`redis at ${this.name}: expected a master of its own, got one in ${mode} mode`, {
        hint: 'a failover may lose a lock: give one master, or several that know nothing of each other',
      });
    }
    // Before, a script could not write what depends on the time.
    if (Number.parseInt(version ?? '', 10) < OLDEST) {
      throw new UsageError(`redis at ${this.name}: expected redis ${OLDEST} or later, got ${version}`);
    }
  }

  async #choose(): Promise<void> {
    if (this.#db === 0) return;
    try {
      await this.client.select(this.#db);
    } catch (error) {
      if (!/DB index/.test(messageOf(error))) throw this.#errorOf(error);
      throw new UsageError(
        `redis at ${this.name}: expected a database ${this.#db}, got ${messageOf(error)}`,
        {
          cause: error,
          hint: 'CONFIG GET databases tells how many it has, counted from 0',
        },
      );
    }
  }
}
