import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Group } from '../../src/child/child.js';
import type { IsolationLevel } from '../../src/child/isolation.js';
import { until } from '../../src/testing/until.js';
import { alive } from '../helpers/processes.js';
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
  { what: '50 processes, of a command with a terminal', shape: 'flat', size: 50, group: 'shared' },
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

/** What nothing leads to is not found by looking: what the level walk does not promise. */
function isPromised(shape: Shape, level: IsolationLevel): boolean {
  return level !== 'walk' || (shape !== 'scrubbed' && shape !== 'wild');
}

/** Starts a tree on a host; it is there when this resolves. */
async function grow(
  t: TestContext,
  stage: Stage,
  user: User,
  tree: Hostile,
): Promise<{ host: Host; dead: () => boolean }> {
  const { shape, size, announced = size, group = 'own' } = tree;
  chmodSync(stage.dir, 0o777);
  const dead = openPipe(stage, 'pipe');
  const command = ['perl', join(FIXTURES, 'tree.pl'), stage.path('pids'), shape, String(size), 'deaf'];
  const args = ['-c', 'exec 9<>"$1"; shift; exec "$@"', 'sh', stage.path('pipe'), ...command];
  const order = { isolation: stage.level, group, file: '/bin/sh', args };
  const host = await Host.start(t, user, order, { STAGE: stage.dir });
  await until(() => stage.pids().length >= announced, `${announced} processes have announced themselves`);
  assert.equal(dead(), false);
  return { host, dead };
}

for (const user of USERS) {
  for (const level of LEVELS) {
    // Nobody else may make a cgroup.
    if (user === 'nobody' && level === 'cgroup') continue;
    for (const tree of TREES.filter(({ shape }) => isPromised(shape, level))) {
      test(`lockex kills ${tree.what} [${level}, ${user}]`, async (t) => {
        const stage = new Stage(t, level);
        const { host, dead } = await grow(t, stage, user, tree);
        const began = performance.now();
        host.stop();
        await until(() => host.run.stdout.endsWith('stopped\n'), 'lockex says that they are dead');
        assert.ok(dead(), 'and so they are');
        conclude(t, stage, tree, performance.now() - began);
        await until(() => host.run.ended, 'the host has ended');
      });

      test(`when lockex is killed its guardian kills ${tree.what} [${level}, ${user}]`, async (t) => {
        const stage = new Stage(t, level);
        const { host, dead } = await grow(t, stage, user, tree);
        const began = performance.now();
        host.run.kill('SIGKILL');
        await until(dead, 'the last of them is dead');
        conclude(t, stage, tree, performance.now() - began);
        await until(() => host.guardians().length === 0, 'the guardian has gone, too');
      });
    }
  }
}

function conclude(t: TestContext, stage: Stage, { size }: Hostile, took: number): void {
  t.diagnostic(`dead after ${Math.round(took)} ms`);
  assert.ok(took < LIMIT_MS, `dead after ${took} ms`);
  assertNoneLives(stage);
  assert.ok(stage.pids().length < 3 * size, 'they were caught while they ran');
}

test('without a guardian the tree outlives lockex: the twin of the tests above', async (t) => {
  const stage = new Stage(t, 'walk');
  const { host, dead } = await grow(t, stage, 'nobody', { what: '', shape: 'flat', size: 3 });
  const [guardian, ...others] = host.guardians();
  assert.ok(guardian !== undefined && others.length === 0);
  // Stopped, so that it does not see to the tree itself.
  host.run.kill('SIGSTOP');
  process.kill(guardian, 'SIGKILL');
  await until(() => !alive(guardian), 'the guardian is dead');
  host.run.kill('SIGKILL');
  await until(() => host.run.ended, 'the host is dead');
  assert.equal(stage.living().length, 3);
  assert.equal(dead(), false);
});
