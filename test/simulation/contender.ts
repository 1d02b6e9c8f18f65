import type { Lease } from '../../src/backend/contract.js';
import type { Child, Order, SignalName } from '../../src/child/child.js';
import type { Job, Outcome, World } from '../../src/supervisor/job.js';
import { supervise } from '../../src/supervisor/supervise.js';
import { orAborted } from '../../src/util/abort.js';
import { LeaseLostError, LockexError } from '../../src/util/errors.js';
import type { LeaseBudget } from '../../src/util/lease-deadline.js';
import { silentLog } from '../../src/util/log.js';
import { ClientSession } from './client-session.js';
import { CommandTree, type Nature } from './command-tree.js';
import type { Ensemble } from './ensemble.js';
import { GuardedChild } from './guarded-child.js';
import { Guardian } from './guardian.js';
import type { Process } from './process.js';
import { type Holding, QueueBackend } from './queue-backend.js';
import type { Random } from './random.js';
import type { Rules } from './rules.js';
import type { Link } from './server-connection.js';
import type { Witness } from './witness.js';

/** What a contender is set up with. */
export interface ContenderOptions {
  readonly process: Process;
  readonly ensemble: Ensemble;
  readonly links: readonly Link[];
  readonly random: Random;
  readonly witness: Witness;
  readonly rules: Rules;
  readonly permits: number;
  readonly nature: Nature;
}

/** The guardian is lost: the tree is killed, and nothing else is done. */
class GuardianLost extends Error {}

/** One lockex, with its guardian and its command: the product's supervisor in a world that is simulated. */
export class Contender {
  readonly #options: ContenderOptions;
  readonly #unguarded = new AbortController();
  readonly #listeners = new Set<(name: SignalName) => void>();
  readonly guardian: Guardian | undefined;
  session: ClientSession | undefined;
  outcome: Outcome | Error | undefined;
  /** Called when its lease is lost by silence. */
  onSilence: (heldFor: LeaseBudget) => void = () => {};
  /** Called once, when it is about to have the lock. */
  onGrant: (() => void) | undefined;
  #holding: Holding | undefined;
  #tree: CommandTree | undefined;
  #onGuardianLost: (error: Error) => void = () => {};

  constructor(options: ContenderOptions) {
    const { process, ensemble, links, random, rules } = options;
    this.#options = options;
    if (!rules.hasGuardian) return;
    this.guardian = new Guardian(process, ensemble, links, random, rules.guardianChecksClock);
    this.guardian.process.onDeath(() => {
      ensemble.timeline.in(random.next(), () => process.run(() => this.#guardianLost('has died')));
    });
  }

  get name(): string {
    return this.#options.process.name;
  }

  get process(): Process {
    return this.#options.process;
  }

  get links(): readonly Link[] {
    return this.#options.links;
  }

  get isHolding(): boolean {
    return this.#holding !== undefined && this.outcome === undefined && this.process.state !== 'dead';
  }

  /** Whether it still waits for its turn. */
  get isWaiting(): boolean {
    return this.outcome === undefined && this.process.state !== 'dead' && this.#holding === undefined;
  }

  start(): void {
    this.process.run(() => {
      supervise(this.#job(), this.#world()).then(
        (outcome) => this.#ended(outcome),
        (error: unknown) => this.#ended(error instanceof Error ? error : new Error(String(error))),
      );
    });
  }

  send(name: SignalName): void {
    this.process.run(() => {
      for (const listener of [...this.#listeners]) listener(name);
    });
  }

  #ended(outcome: Outcome | Error): void {
    const { ensemble, witness } = this.#options;
    this.outcome = outcome;
    ensemble.timeline.say?.(`${this.name} ends: ${outcome instanceof Error ? outcome.message : outcome.how}`);
    if (outcome instanceof Error && !(outcome instanceof LockexError) && !(outcome instanceof GuardianLost)) {
      witness.breaks('failed', `${this.name} failed: ${outcome.stack}`);
    }
    if (this.#options.rules.waitsForTree && this.#tree?.isAlive === true) {
      witness.breaks('failed', `${this.name} has ended and its tree lives`);
    }
    this.process.effect(() => this.guardian?.dismiss());
  }

  #job(): Job {
    const { permits, ensemble } = this.#options;
    return {
      claim: {
        resource: 'lock',
        permits,
        mode: 'exclusive',
        identity: { host: this.name, pid: 1, command: 'c' },
      },
      lockId: 'lock',
      waiting: { how: 'blocking', limitMs: undefined },
      attempts: Number.POSITIVE_INFINITY,
      command: { file: 'c', args: [] },
      env: {},
      stopSignal: 'SIGTERM',
      killAfterMs: ensemble.ttlMs / 3,
    };
  }

  #world(): World {
    const { process, ensemble, links, random, rules } = this.#options;
    return {
      connect: async (signal) => {
        const session = new ClientSession(process, ensemble, links, random, rules.signs());
        this.session = session;
        await orAborted(session.connected(), signal);
        return new QueueBackend(session, process, rules, {
          onTurn: () => this.#confirms(),
          onHolding: (holding) => this.#holds(holding),
        });
      },
      stage: {
        level: 'subreaper',
        treeId: this.name,
        entrust: () => {},
        spawn: (order) => this.#spawn(order),
        dismiss: async () => process.effect(() => this.guardian?.dismiss()),
      },
      handOver: async () => {},
      // Its own: of one that all share, who is killed would never take its listeners back.
      bug: new AbortController().signal,
      signals: {
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
        deliveredByTerminal: () => false,
        inForeground: () => false,
      },
      clock: process.clock,
      log: silentLog,
    };
  }

  #confirms(): void {
    this.onGrant?.();
    this.onGrant = undefined;
  }

  #holds(holding: Holding): void {
    const { ensemble, process } = this.#options;
    this.#holding = holding;
    ensemble.timeline.say?.(`${this.name} has the lock, token ${holding.lease.fencingToken}`);
    holding.lease.lost.addEventListener('abort', () => {
      const { budget, lost } = holding.lease;
      if (budget !== undefined && lost.reason.lossCause === 'silence') this.onSilence(budget);
      ensemble.timeline.say?.(`${this.name} loses its lease: ${holding.lease.lost.reason.message}`);
    });
    this.#watchGuardian(process.clock.now());
  }

  #spawn({ killAt }: Order): Promise<Child> {
    const { process, rules, ensemble, random, nature, witness } = this.#options;
    const holding = this.#holding;
    if (holding === undefined) return Promise.reject(new Error('a command was started without a lease'));
    if (this.#unguarded.signal.aborted) return Promise.reject(this.#unguarded.signal.reason);
    const { lease, path, session } = holding;
    return new Promise<Child>((resolve, reject) => {
      this.#onGuardianLost = reject;
      const start = () => {
        const tree = new CommandTree(ensemble.timeline, random, nature);
        this.#tree = tree;
        witness.started({
          who: this.name,
          token: lease.fencingToken ?? -1n,
          path,
          tree,
          overdueMs: () => this.#overdueMs(lease),
        });
        process.run(() =>
          resolve(
            new GuardedChild({
              supervisor: process,
              tree,
              guardian: this.guardian,
              unguarded: this.#unguarded.signal,
              session,
              rules,
            }),
          ),
        );
        return tree;
      };
      const late = () => process.run(() => reject(new LeaseLostError('silence', 'too late to start', 0)));
      process.effect(() => {
        if (this.guardian === undefined) start();
        else this.guardian.go(session, killAt, start, late);
      });
    });
  }

  /** A session that has ended leaves no time, whoever ended it: then nobody can be in time. */
  #overdueMs(lease: Lease): number {
    if (lease.lost.aborted && lease.lost.reason.lossCause !== 'silence') return 0;
    return this.process.clock.now() - lease.deadline();
  }

  /** A guardian that has not answered for T/6 is of no use: killed, and the tree with it. */
  #watchGuardian(from: number): void {
    const { guardian } = this;
    const { process, ensemble } = this.#options;
    if (guardian === undefined) return;
    let answered = from;
    let looked = from;
    const look = () => {
      if (this.outcome !== undefined) return;
      const now = process.clock.now();
      // Were we stopped ourselves, the answers may be waiting for us.
      if (now - looked > ensemble.ttlMs / 8) answered = now;
      looked = now;
      if (now - answered > ensemble.ttlMs / 6) {
        process.effect(() => guardian.process.kill());
        return;
      }
      process.briefClock.setTimer(ensemble.ttlMs / 12, look);
      const answer = () => {
        answered = now;
      };
      process.effect(() => guardian.ask(() => process.runBriefly(answer)));
    };
    look();
  }

  #guardianLost(how: string): void {
    if (this.#unguarded.signal.aborted || this.outcome !== undefined) return;
    const error = new GuardianLost(`the guardian ${how}`);
    this.#onGuardianLost(error);
    this.#unguarded.abort(error);
  }
}
