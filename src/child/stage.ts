import { arch, platform } from 'node:process';
import { randomId } from '../util/random-id.js';
import type { Stage } from './child.js';
import { InlineStage } from './guardian/inline-stage.js';
import { SiblingStage } from './guardian/sibling-stage.js';
import { abilitiesOf, chooseIsolation } from './isolation.js';
import type { StageRequest } from './stage-options.js';

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
