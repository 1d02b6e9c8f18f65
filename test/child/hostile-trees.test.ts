import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Group } from '../../src/child/child.js';
import type { IsolationLevel } from '../../src/child/isolation.js';
import { until } from '../helpers/until.js';
import { Host, USERS, type User } from './host.js';
import { LEVELS } from './levels.js';
import { openPipe } from './pipe.js';
import { assertNoneLives, FIXTURES, type Shape, Stage } from './stage.js';

/** The promise is 300 ms after the kill; the tests allow for a machine that is busy with something else. */
const LIMIT_MS = 2000;

interface Hostile {
  readonly what: string;
  readonly shape: Shape;
  readonly size: number;
  /** So many announce themselves before it is killed; all that stay, if nothing else is said. */
  readonly announced?: number;
  readonly group?: Group;
}

// All of them ignore every signal that can be ignored.
const TREES: readonly Hostile[] = [
  { what: 'a single process', shape: 'flat', size: 1 },
  { what: '50 processes', shape: 'flat', size: 50 },
  { what: '500 processes', shape: 'flat', size: 500 },
  { what: 'a chain of 50', shape: 'chain', size: 50 },
  { what: '20 sessions', shape: 'sessions', size: 20 },
  { what: '20 sessions, of a command with a terminal', shape: 'sessions', size: 20, group: 'shared' },
  { what: 'ten daemons', shape: 'daemons', size: 11 },
  { what: 'ten daemons, of a command with a terminal', shape: 'daemons', size: 11, group: 'shared' },
  { what: 'ten daemons without an environment', shape: 'scrubbed', size: 11 },
  { what: 'ten processes whose command has gone', shape: 'leave', size: 11, announced: 10 },
  {
    what: 'ten processes whose command has gone, with a terminal',
    shape: 'leave',
    size: 11,
    announced: 10,
    group: 'shared',
  },
  { what: 'three that fork and exit without pause', shape: 'rabbits', size: 10_000, announced: 60 },
  { what: 'three that do so in ever new sessions', shape: 'wild', size: 10_000, announced: 60 },
];

/** What ends the tree: the supervisor, or, when that has been killed, the guardian. */
type Killer = 'the supervisor' | 'the guardian';

/** What nothing leads to is not found by looking: what the level walk does not promise. */
function isPromised(shape: Shape, level: IsolationLevel): boolean {
  return level !== 'walk' || (shape !== 'scrubbed' && shape !== 'wild');
}

/** Starts a tree on a host, kills it, and returns after how many ms the last of it was dead. */
async function kill(
  t: TestContext,
  stage: Stage,
  user: User,
  tree: Hostile,
  killer: Killer,
): Promise<number> {
  const { shape, size, announced = size, group = 'own' } = tree;
  chmodSync(stage.dir, 0o777);
  const dead = openPipe(stage, 'pipe');
  const command = ['perl', join(FIXTURES, 'tree.pl'), stage.path('pids'), shape, String(size), 'deaf'];
  const script = ['-c', 'exec 9>"$1"; shift; exec "$@"', 'sh', stage.path('pipe'), ...command];
  const order = { isolation: stage.level, group, file: '/bin/sh', args: script };
  const host = await Host.start(t, user, order, { STAGE: stage.dir });
  await until(() => stage.pids().length >= announced, `${announced} processes have announced themselves`);
  const began = performance.now();
  if (killer === 'the supervisor') host.stop();
  else host.run.kill('SIGKILL');
  await until(dead, 'the last of them is dead');
  const took = performance.now() - began;
  if (killer === 'the supervisor')
    await until(() => host.run.stdout.endsWith('stopped\n'), 'the host knows it');
  await host.run.exited;
  return took;
}

for (const user of USERS) {
  for (const level of LEVELS) {
    // Nobody else may make a cgroup.
    if (user === 'nobody' && level === 'cgroup') continue;
    for (const killer of ['the supervisor', 'the guardian'] as const) {
      for (const tree of TREES.filter(({ shape }) => isPromised(shape, level))) {
        test(`${killer} kills ${tree.what} [${level}, ${user}]`, async (t) => {
          const stage = new Stage(t, level);
          const took = await kill(t, stage, user, tree, killer);
          t.diagnostic(`dead after ${Math.round(took)} ms`);
          assert.ok(took < LIMIT_MS, `dead after ${took} ms`);
          assertNoneLives(stage);
          assert.ok(stage.pids().length < 3 * tree.size, 'they were caught while they ran');
        });
      }
    }
  }
}
