import { arch, platform } from 'node:process';
import type { Clock } from '../util/clock.js';
import type { Log } from '../util/log.js';
import { randomId } from '../util/random-id.js';
import type { Group, Stage } from './child.js';
import { InlineStage } from './guardian/inline-stage.js';
import { SiblingStage } from './guardian/sibling-stage.js';
import { abilitiesOf, chooseIsolation, type IsolationLevel } from './isolation.js';

export interface StageRequest {
  /** The level that is asked for; `auto` for the strongest that works. */
  readonly isolation: IsolationLevel | 'auto';
  readonly group: Group;
  /** How the guardian writes its one line when we have died, or `silent`. */
  readonly logFormat: 'json' | 'pretty' | 'silent';
  readonly clock: Clock;
  readonly log: Log;
}

/** A request, and the mark that the tree will carry. */
export interface StageOptions extends Omit<StageRequest, 'isolation'> {
  readonly treeId: string;
}

/**
 * Makes ready to run a command, at the strongest level that this host allows.
 * @throws UsageError when the level that is asked for does not work here
 */
export function prepareStage({ isolation: wanted, ...request }: StageRequest): Stage {
  const treeId = randomId();
  const isolation = chooseIsolation(wanted, abilitiesOf(platform, arch, `lockex-${treeId}`));
  const options = { ...request, treeId };
  return isolation.level === 'walk' ? new SiblingStage(options) : new InlineStage(isolation, options);
}
