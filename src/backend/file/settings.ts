import type { Clock } from '../../util/clock.js';
import type { Log } from '../../util/log.js';

/** What the parts of the file backend share. */
export interface FileSettings {
  readonly clock: Clock;
  readonly log: Log;
  /** Which boot of the host this is. */
  readonly boot: string;
  /** Where `flock`, `grep` and the like are looked for, as in `PATH`. */
  readonly programs: string;
}

/** Where they are on every Linux. The caller's own `PATH` is not for us: it may lead anywhere. */
export const USUAL_PROGRAMS = '/usr/local/bin:/usr/bin:/bin';
