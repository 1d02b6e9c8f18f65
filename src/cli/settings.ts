import { checkClaim } from '../backend/claim.js';
import type { Command, SignalName } from '../child/child.js';
import type { IsolationLevel } from '../child/isolation.js';
import type { Waiting } from '../supervisor/job.js';
import { lockIdOf } from '../supervisor/lock-id.js';
import { UsageError } from '../util/errors.js';
import { contradiction, oneOf, switchIn } from './alternatives.js';
import { flagOf } from './option-names.js';
import { OPTIONS } from './options.js';
import { resourceOf } from './resource.js';
import { named, readService, type Service } from './service.js';
import type { Values } from './values.js';

/** All that the command line and the environment say, checked. */
export interface Settings {
  readonly service: Service;
  readonly resource: string;
  readonly lockId: string;
  /** Whether the id was given; otherwise it is the command's. */
  readonly named: boolean;
  readonly permits: number;
  readonly mode: 'exclusive' | 'shared';
  readonly waiting: Waiting;
  readonly attempts: number;
  readonly conflictStatus: number;
  readonly command: Command;
  readonly stopSignal: SignalName;
  readonly killAfterMs: number;
  readonly lossGraceMs: number | undefined;
  readonly isolation: IsolationLevel | 'auto';
  /** 0 for none. */
  readonly holdMs: number;
  /** 0 for none. */
  readonly handoverDelayMs: number;
  readonly log: LogSettings;
}

export interface LogSettings {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  /** `undefined`: pretty on a terminal, else JSON. */
  readonly format: 'json' | 'pretty' | undefined;
}

/**
 * @param words the command as it was given
 * @throws UsageError
 */
export function readSettings(values: Values, words: readonly [string, ...string[]]): Settings {
  const [file, ...args] = values.boolean('shell') ? shellWords(words) : words;
  const waiting = readWaiting(values);
  const service = readService(values, waiting);
  const given = readLockId(values, service);
  const lockpath = values.text('lockpath');
  // What the words say is checked now; the hash, which is good in any case, is made when it is asked for.
  const shown = resourceOf(lockpath, given ?? 'x');
  const claim = {
    ...readClaim(values),
    holdMs: values.milliseconds('hold'),
    handoverDelayMs: readHandoverDelay(values, waiting),
  };
  // What the service cannot do, it cannot do later either: nobody is to be told of that by a server that is up again.
  named(service.chosenBy, () => checkClaim({ resource: shown, ...claim }, service.traits));
  return {
    service,
    get resource() {
      return given === undefined ? resourceOf(lockpath, this.lockId) : shown;
    },
    get lockId() {
      return given ?? lockIdOf([file, ...args]);
    },
    named: given !== undefined,
    ...claim,
    waiting,
    attempts: values.attempts('lockretry'),
    conflictStatus: values.count('conflict-exit-code'),
    command: { file, args },
    stopSignal: values.signal('signal'),
    killAfterMs: values.milliseconds('kill-after'),
    lossGraceMs: values.milliseconds('loss-grace'),
    isolation: values.choice('isolation'),
    log: readLog(values),
  };
}

/** `MEMCACHE_KEY` (distmutex) names a lock in memcached; beside another service it is some other program's. */
function readLockId(values: Values, { url }: Service): string | undefined {
  const given = values.layers.find((layer) => layer.has('lockid'))?.get('lockid');
  const ours = given?.label !== OPTIONS.lockid.env || url?.toLowerCase().startsWith('memcached:') === true;
  return ours ? values.text('lockid') : undefined;
}

/** As the Python lockex ran every command. */
function shellWords(words: readonly string[]): readonly [string, ...string[]] {
  return ['/bin/sh', '-c', words.join(' ')];
}

function readClaim(values: Values): Pick<Settings, 'permits' | 'mode'> {
  const permits = values.count('concurrent');
  const shared = values.boolean('shared');
  if (shared && permits > 1) {
    throw new UsageError(`--shared: expected ${flagOf('concurrent')} 1 with it, got ${permits}`, {
      hint: 'readers share a lock in any number; a semaphore has no readers',
    });
  }
  return { permits, mode: shared ? 'shared' : 'exclusive' };
}

/** `--once`, `--no-blocking` and `--locktimeout`: the first layer that says one of them decides. */
function readWaiting(values: Values): Waiting {
  let blocking = false;
  for (const layer of values.layers) {
    const once = switchIn(layer, 'once') === true ? 'once' : undefined;
    const refusal = once ?? (switchIn(layer, 'blocking') === false ? 'blocking' : undefined);
    const limit = layer.get('locktimeout');
    const asked = switchIn(layer, 'blocking') === true ? layer.get('blocking') : undefined;
    if (refusal !== undefined && !blocking) {
      const rival = limit ?? asked;
      const label = layer.get(refusal)?.label.replace(/^--blocking/, '--no-blocking') ?? '';
      if (rival !== undefined) throw contradiction(label, rival.label);
      return { how: 'once' };
    }
    if (limit !== undefined) break;
    blocking ||= asked !== undefined || switchIn(layer, 'once') === false;
  }
  const limitMs = values.milliseconds('locktimeout');
  return limitMs === 0 ? { how: 'once' } : { how: 'blocking', limitMs };
}

/** Who gives up before the delay has passed leaves it to the next one, who would do the same. */
function readHandoverDelay(values: Values, waiting: Waiting): number {
  const delayMs = values.milliseconds('handover-delay');
  const limitMs = waiting.how === 'blocking' ? waiting.limitMs : undefined;
  if (limitMs === undefined || delayMs < limitMs) return delayMs;
  throw new UsageError(
    `--handover-delay: expected less than ${flagOf('locktimeout')} ${limitMs / 1000} s, got ${delayMs / 1000} s`,
    { hint: 'after a crash, nobody would ever get the lock' },
  );
}

function readLog(values: Values): LogSettings {
  const quiet = oneOf(values.layers, ['quiet', 'log-level'], ['quiet'])?.name === 'quiet';
  return { level: quiet ? 'error' : values.choice('log-level'), format: values.choice('log-format') };
}
