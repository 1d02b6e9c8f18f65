import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ownCgroup, removeLeaf } from '../../src/child/cgroup.js';
import type { IsolationLevel } from '../../src/child/isolation.js';
import { until } from '../../src/testing/until.js';
import { LOCKEX, type Lockex, lockex } from '../helpers/lockex.js';
import { describeProcesses, processesWithEnv } from '../helpers/processes.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { LEVELS } from './levels.js';

/** The command of the inner one: daemons, and the ids of both trees. */
const COMMAND = [
  'sh',
  '-c',
  'trap "" TERM; for i in 1 2 3; do setsid -f sleep 60; done; echo "trees $LOCKEX_TREE"; sleep 60',
];

interface Nested {
  readonly it: Lockex;
  readonly outer: string;
  readonly inner: string;
}

async function nested(
  t: TestContext,
  outerLevel: IsolationLevel,
  innerLevel: IsolationLevel,
): Promise<Nested> {
  const on = scope(t);
  const dir = await on.use(tempDir('nested'));
  const options = (name: string, level: IsolationLevel): string[] => {
    mkdirSync(dir.join(name));
    return ['--isolation', level, '--url', `file://${dir.join(name)}`, '--kill-after', '0', '--'];
  };
  const inside = [LOCKEX, ...options('inner', innerLevel), ...COMMAND];
  const it = await on.use(lockex([...options('outer', outerLevel), ...inside]));
  const [, outer = '', inner = ''] = await until(
    () => /^trees ([0-9a-f]{32}) ([0-9a-f]{32})$/m.exec(it.stdout),
    'the inner command runs',
  );
  assert.equal(processesWithEnv(`LOCKEX_GUARDS=${inner}`).length >= 1, true, 'the inner one has a guardian');
  return { it, outer, inner };
}

/** Nobody who has to do with either tree is left, guardians and keepers included, nor are their cgroups. */
async function expectNothing({ outer, inner }: Nested): Promise<void> {
  const left = () => [outer, inner].flatMap((id) => processesWithEnv(id));
  await until(() => left().length === 0, 'all are dead').catch((cause: unknown) => {
    throw new Error(`still alive: ${describeProcesses(left())}`, { cause });
  });
  const own = ownCgroup(
    readFileSync('/proc/self/mountinfo', 'utf8'),
    readFileSync('/proc/self/cgroup', 'utf8'),
  );
  if (own === undefined) return;
  await until(() => !existsSync(join(own, `lockex-${outer}`)), 'its cgroup is taken away');
  // Not promised: beside it, not in it, stands that of the inner one, whose lockex and guardian were killed at once.
  // Nobody is left who would take it away.
  removeLeaf(join(own, `lockex-${inner}`));
  assert.equal(existsSync(join(own, `lockex-${inner}`)), false, 'nobody is in it');
}

for (const outerLevel of LEVELS) {
  for (const innerLevel of LEVELS) {
    const pair = `[${innerLevel} in ${outerLevel}]`;

    test(`a lockex inside of one that is killed dies with its guardian and its tree ${pair}`, async (t) => {
      const both = await nested(t, outerLevel, innerLevel);
      both.it.kill('SIGKILL');
      await expectNothing(both);
    });

    test(`a lockex inside of one that is told to stop ends with its guardian and its tree ${pair}`, async (t) => {
      const both = await nested(t, outerLevel, innerLevel);
      both.it.kill('SIGTERM');
      await until(() => both.it.ended, 'the outer one has ended');
      await expectNothing(both);
    });
  }
}
