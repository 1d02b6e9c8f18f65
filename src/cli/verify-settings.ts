import { readEvidence } from '../backend/evidence.js';
import { UsageError } from '../util/errors.js';
import { switchIn } from './alternatives.js';
import { flagOf } from './option-names.js';
import type { OptionName } from './options.js';
import { credentialsFor, type Service } from './service.js';
import { withLoginOf } from './url-login.js';
import { Values } from './values.js';

/** What `lockex verify` was asked for. */
export interface VerifySettings {
  /** What to ask, with a login perhaps: a secret; `undefined` when no run around us has told. */
  readonly asked: { readonly url: string; readonly evidence: string } | undefined;
  /** How to come to terms with the service. */
  readonly service: Omit<Service, 'url' | 'chosenBy' | 'traits' | 'budget'>;
  /** Limit for everything, ms. */
  readonly limitMs: number;
  readonly quiet: boolean;
}

/** The options that mean something here. Any other, typed, is a misunderstanding; in the environment it is the run's. */
const TAKEN: readonly OptionName[] = [
  'timeout',
  'zk-auth-file',
  'auth-file',
  'tls-ca',
  'tls-cert',
  'tls-key',
  'quiet',
];

/**
 * The limit without `-T`. The service has been silent for 6 s when the lock counts as lost (T = 15 s): who has waited
 * nearly that long is as well served by "cannot be confirmed". A longer `LOCKEX_TIMEOUT` is meant for the run's
 * session, a shorter one for both.
 */
const LIMIT_MS = 5000;

/**
 * @param evidence the value of `LOCKEX_VERIFY`
 * @throws UsageError
 */
export function readVerifySettings(values: Values, evidence: string | undefined): VerifySettings {
  const [typed] = values.layers;
  const other = [...(typed?.keys() ?? [])].find((name) => !TAKEN.includes(name));
  if (other !== undefined) {
    throw new UsageError(
      `verify: expected ${TAKEN.map((name) => `--${name}`).join(', ')}, got ${flagOf(other)}`,
      {
        hint: 'where to ask, and for which lock, is told by LOCKEX_VERIFY',
      },
    );
  }
  const timeoutMs = values.milliseconds('timeout');
  const limitMs = typed?.has('timeout') ? timeoutMs : Math.min(timeoutMs, LIMIT_MS);
  const asked = evidence === undefined ? undefined : { url: urlOf(evidence, values), evidence };
  return {
    asked,
    service: {
      ttlMs: limitMs,
      // Less than all, so that the line tells what came of the connecting, and not of the waiting.
      connectLimitMs: limitMs * 0.8,
      connectAttempts: Number.POSITIVE_INFINITY,
      ...credentialsFor(asked?.url ?? 'memory:', onlyTaken(values)),
    },
    limitMs,
    quiet:
      values.layers.map((layer) => switchIn(layer, 'quiet')).find((quiet) => quiet !== undefined) ?? false,
  };
}

/** Evidence has no secrets: a login that the run had from `LOCKEX_URL` is still there. */
function urlOf(evidence: string, values: Values): string {
  const url = readEvidence(evidence)('url');
  const whole = values.layers[0]?.has('auth-file') ? undefined : values.text('url');
  return whole === undefined ? url : withLoginOf(whole.trim(), url);
}

/** The values without what is the run's alone: an access list for nodes that are not made needs no credentials. */
function onlyTaken(values: Values): Values {
  return new Values(
    values.layers.map((layer) => new Map([...layer].filter(([name]) => TAKEN.includes(name)))),
  );
}
