import type { Clock } from '../util/clock.js';
import type { Log } from '../util/log.js';
import type { Group } from './child.js';
import type { IsolationLevel } from './isolation.js';

/** What a stage is to be like. */
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
