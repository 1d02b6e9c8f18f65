import { arch, platform } from 'node:process';
import { type TestContext, test } from 'node:test';
import { removeLeaf } from '../../src/child/cgroup.js';
import {
  abilitiesOf,
  chooseIsolation,
  ISOLATION_LEVELS,
  type IsolationLevel,
} from '../../src/child/isolation.js';
import { randomId } from '../../src/util/random-id.js';
import { Stage } from './stage.js';

/** The levels that work here; as root on Linux with cgroup v2 and perl that is all of them. */
export const LEVELS: readonly IsolationLevel[] = ISOLATION_LEVELS.filter(works);

function works(level: IsolationLevel): boolean {
  try {
    const chosen = chooseIsolation(level, abilitiesOf(platform, arch, `lockex-test-${randomId()}`));
    if (chosen.level === 'cgroup') removeLeaf(chosen.leaf);
    return true;
  } catch {
    return false;
  }
}

/** The guardian is the command's parent there, and of whatever the command leaves behind. */
export const INLINE: readonly IsolationLevel[] = LEVELS.filter((level) => level !== 'walk');

/** One test at each of these levels, all with the same sentence. */
export function atEachLevel(
  sentence: string,
  body: (stage: Stage, t: TestContext) => Promise<void>,
  levels: readonly IsolationLevel[] = LEVELS,
): void {
  for (const level of levels) {
    test(`${sentence} [${level}]`, (t) => body(new Stage(t, level), t));
  }
}
