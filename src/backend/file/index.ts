import { join } from 'node:path';
import type { Clock } from '../../util/clock.js';
import { LeaseLostError, SessionLostError } from '../../util/errors.js';
import type { Log } from '../../util/log.js';
import { checkClaim, checkResource } from '../claim.js';
import type { Claim, Contender, Lease, LockBackend } from '../contract.js';
import { FILE_TRAITS } from '../traits.js';
import { UnderWay } from '../under-way.js';
import { contend } from './contend.js';
import { useDirectory } from './directory.js';
import { bootId } from './held.js';
import { directoryName } from './layout.js';
import type { FileLease } from './lease.js';
import { look } from './look.js';
import { owns } from './ownership.js';
import { type FileSettings, USUAL_PROGRAMS } from './settings.js';

export interface FileOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Where `flock` and its like are looked for, as in `PATH`; the usual places if absent. */
  readonly programs?: string;
  /** Whether it is only to be asked who owns what: a directory that is not there is not made. */
  readonly askOnly?: boolean;
}

/**
 * Opens the locks in a directory, which is made if there is none.
 * @param root an absolute path, on a local file system
 * @throws UsageError, NotPermittedError; ServiceUnreachableError with `askOnly`
 */
export async function openFile(root: string, options: FileOptions): Promise<LockBackend> {
  useDirectory(root, options.askOnly ?? false);
  return new FileBackend(root, { programs: USUAL_PROGRAMS, boot: bootId(), ...options });
}

/**
 * Locks between the processes of one host, by flock(2) on files in a directory. They need no server, outlive a
 * crash of the supervisor until its tree is dead, and end with the host.
 *
 * Not promised: order among waiters; exclusion between hosts that share a file system; and after a crash of the
 * supervisor, a process of the tree that belongs to another user or has thrown its environment away is not
 * waited for.
 */
class FileBackend implements LockBackend {
  readonly traits = FILE_TRAITS;
  readonly farewells = [];
  readonly #root: string;
  readonly #settings: FileSettings;
  readonly #underWay = new UnderWay();
  /** Our contenders, by their notes, with the leases of those that hold. */
  readonly #own = new Map<string, FileLease | undefined>();

  constructor(root: string, settings: FileSettings) {
    this.#root = root;
    this.#settings = settings;
  }

  async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
    const lease = await this.#contend(claim, false, signal);
    if (lease === undefined) throw new Error('one that was to wait was sent away');
    return lease;
  }

  tryAcquire(claim: Claim, signal: AbortSignal): Promise<Lease | undefined> {
    return this.#contend(claim, true, signal);
  }

  async contenders(resource: string, signal: AbortSignal): Promise<readonly Contender[]> {
    signal.throwIfAborted();
    checkResource(resource);
    return look(join(this.#root, directoryName(resource)), (note) => this.#own.has(note), this.#settings);
  }

  async owns(evidence: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    return owns(this.#root, evidence, this.#settings);
  }

  /** Ends the session: its waiters reject, its leases are lost and given back. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#underWay.close(new SessionLostError('the session was closed'));
    const leases = [...this.#own.values()].filter((lease) => lease !== undefined);
    for (const lease of leases) lease.lose(new LeaseLostError('expired', 'the session was closed', 0));
    await Promise.all(leases.map((lease) => lease.release()));
  }

  async #contend(claim: Claim, once: boolean, signal: AbortSignal): Promise<FileLease | undefined> {
    checkClaim(claim, this.traits);
    const { root, own, settings } = { root: this.#root, own: this.#own, settings: this.#settings };
    return this.#underWay.within(signal, (either) =>
      contend({ root, claim, once, own, settings, signal: either }),
    );
  }
}
