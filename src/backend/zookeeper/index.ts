import type { Farewell } from '../../child/child.js';
import { aborted, atMost } from '../../util/abort.js';
import { NotPermittedError, SessionLostError } from '../../util/errors.js';
import { checkClaim } from '../claim.js';
import type { Claim, Contender, Lease, LockBackend } from '../contract.js';
import type { OpenOptions } from '../open-options.js';
import { ZOOKEEPER_TRAITS } from '../traits.js';
import { UnderWay } from '../under-way.js';
import type { Grant } from './grant.js';
import { Handover } from './handover.js';
import { Hold } from './hold.js';
import { type Ensemble, parseEnsemble } from './hosts.js';
import { ZooKeeperLease } from './lease.js';
import { PlaceLostError, type Recipe } from './lock-queue.js';
import { grantLock, placeLost } from './lock-recipe.js';
import { resourcePath, semaphoreQueuePath } from './node-data.js';
import { readContenders } from './onlookers.js';
import { failedWith } from './operation-error.js';
import { evidenceOf, owns } from './ownership.js';
import { Parents } from './parents.js';
import { grantPermit } from './semaphore-recipe.js';
import { Session } from './session.js';
import { leaseBudget } from './timing.js';

/**
 * How long a closing backend may take to leave its lines and remove empty nodes. With the goodbye after it, whoever
 * is told to stop while waiting is out within a second, also when no server answers.
 */
const TIDY_LIMIT_MS = 500;

/** How often a place in line that somebody deleted is taken again before that counts as the failure it is. */
const PLACES_PER_ACQUIRE = 10;

/**
 * Opens a session with an ensemble.
 * @param address `host:port,…[/chroot]`
 * @throws UsageError for an address that cannot be read
 * @throws ServiceUnreachableError when no server gave a session in time
 * @throws NotPermittedError when the credentials are refused
 */
export async function openZooKeeper(
  address: string,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<LockBackend> {
  const ensemble = parseEnsemble(address);
  const session = await Session.open(
    {
      ...options,
      ensemble,
      digest: options.login,
      acl: options.acl ?? 'open',
      tls: options.tls,
      random: Math.random,
    },
    signal,
  );
  return new ZooKeeperBackend(session, ensemble, options);
}

/** Locks and semaphores on ZooKeeper, on the wire as kazoo makes them. One instance is one session. */
class ZooKeeperBackend implements LockBackend {
  readonly traits = ZOOKEEPER_TRAITS;
  readonly #session: Session;
  readonly #parents: Parents;
  readonly #ensemble: Ensemble;
  readonly #options: OpenOptions;
  readonly #underWay = new UnderWay();

  constructor(session: Session, ensemble: Ensemble, options: OpenOptions) {
    this.#session = session;
    this.#parents = new Parents(session);
    this.#ensemble = ensemble;
    this.#options = options;
  }

  get farewells(): readonly Farewell[] {
    return [this.#session.farewell];
  }

  async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
    const lease = await this.#grant(claim, true, signal);
    if (lease === undefined) throw new Error('a wait without a limit ended without a grant');
    return lease;
  }

  tryAcquire(claim: Claim, signal: AbortSignal): Promise<Lease | undefined> {
    return this.#grant(claim, false, signal);
  }

  contenders(resource: string, signal: AbortSignal): Promise<readonly Contender[]> {
    const path = resourcePath(this.#ensemble.chroot, resource);
    return this.#session.persist(() => readContenders(this.#session, path), signal);
  }

  owns(evidence: string, signal: AbortSignal): Promise<boolean> {
    return owns(this.#session, evidence, signal);
  }

  /** Ends with the session, which takes all of ours along; tidies up before, as far as that goes in a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { isConnected, over } = this.#session;
    const closed = this.#underWay.close(new SessionLostError('the session was closed'));
    if (isConnected) {
      await atMost(TIDY_LIMIT_MS, this.#options.clock, Promise.race([closed, aborted(over)]));
    }
    await this.#session.close();
  }

  #grant(claim: Claim, wait: boolean, signal: AbortSignal): Promise<Lease | undefined> {
    return this.#underWay.within(signal, (either) => this.#contend(claim, wait, either));
  }

  async #contend(claim: Claim, wait: boolean, signal: AbortSignal): Promise<Lease | undefined> {
    checkClaim(claim, this.traits);
    signal.throwIfAborted();
    // Before anybody is kept waiting for a lease that could not be held.
    const budget = leaseBudget(this.#session.ttlMs, claim.lossGraceMs);
    const path = resourcePath(this.#ensemble.chroot, claim.resource);
    const recipe = {
      session: this.#session,
      parents: this.#parents,
      clock: this.#options.clock,
      log: this.#options.log,
    };
    const hold = new Hold(recipe, path, claim);
    const grant = await this.#permitted(path, () => this.#place(recipe, path, claim, hold, wait, signal));
    if (grant === undefined) {
      await this.#tidy(path, claim, hold);
      return undefined;
    }
    const lease: Lease = new ZooKeeperLease({
      ...grant,
      session: this.#session,
      budget,
      evidence: evidenceOf(this.#ensemble, grant.path, grant.stat),
      lossGraceMs: claim.lossGraceMs,
      clock: this.#options.clock,
      beforeRelease: async () => {
        await Promise.all([hold.removeIfPassed(), grant.handover?.giveBack()]);
      },
      afterRelease: async () => {
        this.#underWay.delete(lease);
        await this.#tidy(path, claim, hold);
      },
    });
    this.#underWay.add(lease);
    return lease;
  }

  async #place(
    recipe: Recipe,
    path: string,
    claim: Claim,
    hold: Hold,
    wait: boolean,
    signal: AbortSignal,
  ): Promise<Grant | undefined> {
    const grant = claim.permits > 1 ? grantPermit : grantLock;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await grant(recipe, path, claim, hold, wait, signal);
      } catch (error) {
        if (!(error instanceof PlaceLostError)) {
          await this.#tidy(path, claim, hold);
          throw error;
        }
        if (attempt === PLACES_PER_ACQUIRE) throw placeLost(error);
        this.#options.log.warn({ attempt }, `${error.message}; joining the queue again, at its end`);
      }
    }
  }

  async #permitted<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!failedWith(error, 'NO_AUTH', 'INVALID_ACL', 'AUTH_FAILED')) throw error;
      const who = this.#options.login === undefined ? 'without credentials' : 'with the credentials given';
      throw new NotPermittedError(`ZooKeeper does not let us contend at ${path} ${who} (${error.code})`, {
        cause: error,
        hint: 'check the credentials, and the access list of the lock path',
        settings: ['login'],
      });
    }
  }

  async #tidy(path: string, claim: Claim, hold: Hold): Promise<void> {
    if (!this.#session.isConnected) return;
    await hold.tidy();
    if (claim.handoverDelayMs !== undefined) await Handover.tidy(this.#session, path);
    if (claim.permits === 1) return this.#parents.remove(path);
    // The queue's node first: while somebody is in the queue, the number of permits must stay.
    try {
      await this.#session.nodes.remove(semaphoreQueuePath(path));
    } catch (error) {
      if (!failedWith(error, 'NO_NODE')) return;
    }
    await this.#parents.remove(path);
  }
}
