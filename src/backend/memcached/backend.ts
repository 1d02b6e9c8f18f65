import { delay } from '../../util/abort.js';
import { ServiceUnreachableError, SessionLostError, UsageError } from '../../util/errors.js';
import { randomId } from '../../util/random-id.js';
import { sha256 } from '../../util/sha256.js';
import { type Server, showServer } from '../address.js';
import { checkClaim, checkResource } from '../claim.js';
import type { Claim, Contender, Lease, LockBackend } from '../contract.js';
import { formatEvidence, readEvidence } from '../evidence.js';
import type { OpenOptions } from '../open-options.js';
import { MEMCACHED_TRAITS } from '../traits.js';
import type { TtlLease } from '../ttl-lease.js';
import { UnderWay } from '../under-way.js';
import { asked, Connection, isFinal, type MakeNode, reach } from './connection.js';
import { Contending } from './contend.js';
import { keyOf } from './key.js';
import { parseServers, type Servers, serverOf } from './servers.js';
import type { Bid } from './tenure.js';
import { checkSpan, memcachedBudget, type Unsettled, unsettledMs } from './timing.js';
import { contenderOf, isOver } from './value.js';

/** What only tests have another one of. */
export interface MemcachedRules {
  readonly unsettled?: Unsettled;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** A session: one connection with each server that is asked. */
export class MemcachedBackend implements LockBackend {
  readonly traits = MEMCACHED_TRAITS;
  /**
   * None: to remove a key only if it is ours takes its number, which changes with every renewal. After a crash of the
   * supervisor alone the next holder waits for the timeout.
   */
  readonly farewells = [];
  readonly #servers: Servers;
  readonly #connections: ReadonlyMap<string, Connection>;
  readonly #options: OpenOptions;
  readonly #rules: Required<MemcachedRules>;
  readonly #underWay = new UnderWay();
  /** By owner: what is held. */
  readonly #leases = new Map<string, TtlLease>();

  constructor(servers: Servers, makeNode: MakeNode, options: OpenOptions, rules: MemcachedRules = {}) {
    this.#servers = servers;
    this.#options = options;
    this.#rules = { unsettled: unsettledMs, random: Math.random, ...rules };
    this.#connections = new Map(
      servers.map((server) => [showServer(server), new Connection(server, makeNode, options)]),
    );
  }

  /** Waits until a server answers: any, since none knows yet which lock will be asked for. */
  reach(signal: AbortSignal): Promise<void> {
    return reach([...this.#connections.values()], this.#options, signal);
  }

  acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
    return this.#underWay.within(signal, async (either) => {
      const bid = this.#bid(claim, either);
      await reach([bid.connection], this.#options, either);
      return this.#keep(bid, await this.#contending(bid).wait(either));
    });
  }

  /** @throws ServiceUnreachableError when the server may have forgotten a lock: nobody can say whether it is free */
  tryAcquire(claim: Claim, signal: AbortSignal): Promise<Lease | undefined> {
    return this.#underWay.within(signal, async (either) => {
      // Nobody is told of a queue that we do not stand in.
      const { onQueue: _, ...silent } = claim;
      const bid = this.#bid(silent, either);
      const contending = this.#contending(bid);
      const look = await asked(bid.connection, this.#options, () => contending.look(either), either);
      if (look.how === 'granted') return this.#keep(bid, look.lease);
      if (look.how === 'unsettled') {
        throw new ServiceUnreachableError(contending.refusal(look.forMs), {
          hint: 'try again then, or wait for the lock',
        });
      }
      return undefined;
    });
  }

  contenders(resource: string, signal: AbortSignal): Promise<readonly Contender[]> {
    return this.#underWay.within(signal, async (either) => {
      either.throwIfAborted();
      checkResource(resource);
      const connection = this.#connectionWith(serverOf(resource, this.#servers));
      const read = () => connection.use((link) => link.read(keyOf(resource)), either);
      const found = await asked(connection, this.#options, read, either);
      return found === undefined ? [] : [contenderOf(found, this.#isSelf, new Date())];
    });
  }

  owns(evidence: string, signal: AbortSignal): Promise<boolean> {
    return this.#underWay.within(signal, (either) => this.#owns(evidence, either));
  }

  async #owns(evidence: string, signal: AbortSignal): Promise<boolean> {
    const fact = readEvidence(evidence);
    const [key, owner] = [fact('key'), fact('owner')];
    const [server] = parseServers(fact('url').replace(/^memcached:\/\//, ''));
    const connection = this.#connectionWith(server);
    for (;;) {
      try {
        const found = await connection.use((link) => link.read(key), signal);
        return found?.value !== undefined && sha256(found.value.owner) === owner && !isOver(found);
      } catch (error) {
        if (signal.aborted || isFinal(error)) throw error;
      }
      await delay(RETRY_MS, this.#options.clock, signal);
    }
  }

  /** Ends the session: what it holds is given back, its waiters reject. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#underWay.closing.aborted) return;
    const ended = this.#underWay.close(new SessionLostError('the session has ended; open another'));
    await Promise.all(
      [...this.#leases.values()].map((lease) => {
        lease.lose('expired', 'the session has ended');
        return lease.release();
      }),
    );
    await ended;
    for (const connection of this.#connections.values()) connection.close();
  }

  readonly #isSelf = (owner: string): boolean => this.#leases.has(owner);

  #contending(bid: Bid): Contending {
    return new Contending(bid, this.#isSelf, this.#rules.random, this.#options.retryEveryMs);
  }

  #bid(claim: Claim, signal: AbortSignal): Bid {
    signal.throwIfAborted();
    checkClaim(claim, this.traits);
    checkSpan('hold', claim.holdMs ?? 0);
    const { ttlMs, clock, log } = this.#options;
    const server = serverOf(claim.resource, this.#servers);
    const [key, owner] = [keyOf(claim.resource), randomId()];
    return {
      claim,
      key,
      owner,
      budget: memcachedBudget(ttlMs, claim.lossGraceMs),
      evidence: formatEvidence({ url: `memcached://${showServer(server)}`, key, owner: sha256(owner) }),
      connection: this.#connectionWith(server),
      unsettled: this.#rules.unsettled,
      clock,
      log,
      onEnd: () => void this.#leases.delete(owner),
    };
  }

  async #keep({ owner }: Bid, lease: TtlLease): Promise<Lease> {
    this.#leases.set(owner, lease);
    const { closing } = this.#underWay;
    if (!closing.aborted) return lease;
    await lease.release();
    throw closing.reason;
  }

  #connectionWith(server: Server): Connection {
    const connection = this.#connections.get(showServer(server));
    if (connection !== undefined) return connection;
    throw new UsageError(
      `expected evidence of ${[...this.#connections.keys()].join(',')}, got ${showServer(server)}`,
    );
  }
}

/** Between two questions that were not answered, ms. */
const RETRY_MS = 200;
