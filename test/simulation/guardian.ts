import type { Timer } from '../../src/util/clock.js';
import type { CommandTree } from './command-tree.js';
import type { Ensemble } from './ensemble.js';
import { Process } from './process.js';
import type { Random } from './random.js';
import { type Link, ServerConnection } from './server-connection.js';
import { Wire } from './wire.js';

/** How soon an other process on the same machine hears of something, ms at most. */
const LOCAL_MS = 1;

/** How long the guardian listens to one server, ms, before it goes to the next. */
const FAREWELL_LIMIT_MS = 1000;
const FAREWELLS = 40;

/**
 * The guardian, by its contract: a process of its own between supervisor and command, started before there is a lock.
 *
 * - It starts the command at a word, and not when the time for SIGKILL has passed already.
 * - The supervisor tells it, with every acknowledged renewal, by when SIGKILL has to go out.
 * - When that time passes, or the supervisor's end of the socket closes, it kills the tree; and when the tree is dead it
 *   gives the lock back: it attaches to the session and closes it.
 * - When it dies itself, the command dies with it, and the supervisor hears of it.
 */
export class Guardian {
  readonly process: Process;
  readonly #ensemble: Ensemble;
  readonly #links: readonly Link[];
  readonly #random: Random;
  /** The supervisor's end of the socket. */
  readonly #socket: Wire;
  /** Off in a twin: then only its timer tells it the time. */
  readonly #checksClock: boolean;
  #tree: CommandTree | undefined;
  #killAt = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;
  #lockexDied = false;
  #parting = false;
  #session: number | undefined;

  constructor(
    supervisor: Process,
    ensemble: Ensemble,
    links: readonly Link[],
    random: Random,
    checksClock: boolean,
  ) {
    this.process = new Process(
      `${supervisor.name}'s guardian`,
      supervisor.host,
      ensemble.timeline,
      random,
      false,
    );
    this.#ensemble = ensemble;
    this.#links = links;
    this.#random = random;
    this.#socket = new Wire(ensemble.timeline, random, LOCAL_MS);
    this.#checksClock = checksClock;
    supervisor.onDeath(() => this.#hear(() => this.#supervisorDied()));
    this.process.onDeath(() => this.#tree?.parentDied());
  }

  /** From the supervisor: whose the lock is, and by when SIGKILL has to go out, ms of the host's clock. */
  keep(session: number, killAt: number): void {
    this.#hear(() => {
      this.#session = session;
      this.#killAt = killAt;
      this.#arm();
    });
  }

  /** From the supervisor: start the command. @param start makes the tree */
  go(session: number, killAt: number, start: () => CommandTree, late: () => void): void {
    this.keep(session, killAt);
    this.#hear(() => {
      if (this.#lockexDied || (this.#checksClock && this.process.clock.now() >= this.#killAt)) return late();
      this.process.effect(() => {
        this.#tree = start();
        this.#tree.onGone(() => this.process.run(() => this.#partIfDue()));
        if (this.process.state === 'dead') this.#tree.parentDied();
      });
    });
  }

  /** From the supervisor: are you there? */
  ask(answer: () => void): void {
    this.#hear(() => this.process.effect(answer));
  }

  /** From the supervisor: kill the tree. */
  kill(): void {
    this.#hear(() => this.process.effect(() => this.#tree?.signal('SIGKILL')));
  }

  /** From the supervisor: the command is gone, and the lock is mine to give back. */
  dismiss(): void {
    this.#hear(() => {
      this.#timer?.cancel();
      this.#killAt = Number.POSITIVE_INFINITY;
      this.#session = undefined;
    });
  }

  #hear(what: () => void): void {
    this.#socket.send(() => this.process.run(what));
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.process.clock.setTimer(this.#killAt - this.process.clock.now(), () => this.#killDue());
  }

  #killDue(): void {
    // A timer may be early by what the clocks differ.
    if (this.process.clock.now() < this.#killAt) {
      this.#arm();
      return;
    }
    this.#ensemble.timeline.say?.(`${this.process.name}: the time for SIGKILL has come`);
    this.#kill();
  }

  #supervisorDied(): void {
    this.#ensemble.timeline.say?.(`${this.process.name}: the supervisor has died`);
    this.#lockexDied = true;
    this.#kill();
  }

  #kill(): void {
    this.process.effect(() => this.#tree?.signal('SIGKILL'));
    this.#parting = true;
    this.#partIfDue();
  }

  #partIfDue(): void {
    if (!this.#parting || this.#tree?.isAlive === true || this.#session === undefined) return;
    this.#parting = false;
    this.#farewell(this.#session, FAREWELLS);
  }

  /** Attaches to the session at one server after the other, and closes it. */
  #farewell(session: number, left: number): void {
    if (left === 0) return;
    const at = this.#random.below(this.#links.length);
    const server = this.#ensemble.servers[at];
    const link = this.#links[at];
    if (server === undefined || link === undefined) return;
    let settled = false;
    const settle = (then: () => void) => {
      if (settled) return;
      settled = true;
      limit.cancel();
      connection.closeByClient();
      then();
    };
    const again = () =>
      settle(
        () =>
          void this.process.clock.setTimer(this.#ensemble.tickMs / 4, () =>
            this.#farewell(session, left - 1),
          ),
      );
    const limit = this.process.clock.setTimer(FAREWELL_LIMIT_MS, again);
    const connection = new ServerConnection(this.process, this.#ensemble, server, link, {
      onHeard: () => {},
      onClosed: again,
      onRemoved: () => {},
    });
    connection.connect(session, 0, (welcome) => {
      if (welcome === 'expired') return settle(() => {});
      connection.write({ kind: 'close', session, path: '' }, () =>
        settle(() => this.#ensemble.timeline.say?.(`${this.process.name}: gave the lock back`)),
      );
    });
  }
}
