import { execPath } from 'node:process';
import { aborted, delay } from '../../util/abort.js';
import type { Child, Farewell, Order, Stage } from '../child.js';
import { spawnChild } from '../spawn.js';
import type { StageOptions } from '../stage-options.js';
import { Guardian, unguarded } from './guardian.js';
import { GuardianPost, guardianEnvironment } from './post.js';
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
  readonly #post: GuardianPost;
  #ready: Promise<void> = Promise.resolve();

  constructor(options: StageOptions) {
    this.treeId = options.treeId;
    this.#options = options;
    this.#post = new GuardianPost(() => this.#start());
  }

  entrust(farewells: readonly Farewell[]): void {
    this.#post.entrust(farewells);
  }

  async spawn({ command, env, killAt }: Order): Promise<Child> {
    const guardian = this.#post.manned();
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
    return this.#post.dismiss();
  }

  #start(): Guardian {
    const { treeId, group, logFormat, clock } = this.#options;
    const guardian = new Guardian(
      {
        file: execPath,
        args: [GUARDIAN_NODE, treeId, group, logFormat],
        env: guardianEnvironment(treeId),
        startsCommand: false,
        group: 'own',
      },
      clock,
    );
    this.#ready = ready(guardian);
    return guardian;
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
