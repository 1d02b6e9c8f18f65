import { execPath, env as ownEnv } from 'node:process';
import { aborted, delay } from '../../util/abort.js';
import type { Child, Farewell, Order, Stage } from '../child.js';
import { TREE_VARIABLE } from '../mark.js';
import { spawnChild } from '../spawn.js';
import type { StageOptions } from '../stage-options.js';
import { Guardian, unguarded } from './guardian.js';
import { GUARDIAN_NODE } from './programs.js';

/** How long a guardian may take until it watches, ms. */
const READY_LIMIT_MS = 10_000;

/**
 * The command is our own child, and the guardian, a small Node beside us, finds its tree as we do. For hosts without perl,
 * and those without `/proc`; it takes a Node's time to start, and a Node's memory.
 */
export class SiblingStage implements Stage {
  readonly level = 'walk';
  readonly treeId: string;
  readonly #options: StageOptions;
  #guardian: Guardian;
  #farewell: Farewell | undefined;
  #ready: Promise<void>;

  constructor(options: StageOptions) {
    this.treeId = options.treeId;
    this.#options = options;
    this.#guardian = this.#start();
    this.#ready = ready(this.#guardian);
  }

  entrust(farewell: Farewell | undefined): void {
    this.#farewell = farewell;
    this.#guardian.farewell(farewell);
  }

  async spawn({ command, env, killAt }: Order): Promise<Child> {
    if (this.#guardian.lost.aborted) {
      this.#guardian = this.#start();
      this.#ready = ready(this.#guardian);
      this.#guardian.farewell(this.#farewell);
    }
    const guardian = this.#guardian;
    const late = new AbortController();
    await Promise.race([
      this.#ready,
      aborted(guardian.lost),
      delay(READY_LIMIT_MS, this.#options.clock, late.signal).catch(() => {}),
    ]);
    late.abort();
    if (guardian.lost.aborted) throw unguarded(guardian);
    const { group, log, treeId } = this.#options;
    // The first thing that it is asked, and what it is watched by from now on.
    guardian.keep(killAt);
    return await spawnChild({ command, env, treeId, group, log, guardian, killAt });
  }

  dismiss(): Promise<void> {
    return this.#guardian.dismiss();
  }

  #start(): Guardian {
    const { treeId, group, logFormat, clock } = this.#options;
    const outer = ownEnv[TREE_VARIABLE];
    return new Guardian(
      {
        file: execPath,
        args: [GUARDIAN_NODE, treeId, group, logFormat],
        env: { PATH: ownEnv['PATH'], LOCKEX_GUARDS: treeId, ...(outer ? { [TREE_VARIABLE]: outer } : {}) },
        startsCommand: false,
        group: 'own',
      },
      clock,
    );
  }
}

function ready(guardian: Guardian): Promise<void> {
  return new Promise((resolve) => {
    const forget = guardian.subscribe((report) => {
      if (report.says !== 'ready') return;
      forget();
      resolve();
    });
  });
}
