import type { Traits } from '../backend/contract.js';
import { type Service as Kind, serviceOf } from '../backend/registry.js';
import type { Waiting } from '../supervisor/job.js';
import { UsageError } from '../util/errors.js';
import type { LeaseBudget } from '../util/lease-deadline.js';
import { oneOf } from './alternatives.js';
import { flagOf } from './option-names.js';
import type { OptionName } from './options.js';
import type { Values } from './values.js';

/** Where the lock service is, and how to come to terms with it. */
export interface Service {
  /** `undefined` for `--local`, whose directory only the host knows. */
  readonly url: string | undefined;
  /** The option or variable that chose it. */
  readonly chosenBy: string;
  /** Session timeout to ask for, ms. */
  readonly ttlMs: number;
  /** Limit for the first connection, ms. */
  readonly connectLimitMs: number;
  readonly connectAttempts: number;
  /** What it can do. */
  readonly traits: Traits;
  /** The time line if the servers give the timeout asked for; `undefined` where silence cannot lose a lock. */
  readonly budget: LeaseBudget | undefined;
  readonly auth: AuthFile | undefined;
  readonly acl: 'open' | 'creator';
  readonly tls: TlsFiles | undefined;
}

/** A file with `user:password`, and the option that named it. */
export interface AuthFile {
  readonly option: 'auth-file' | 'zk-auth-file';
  readonly path: string;
}

export interface TlsFiles {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/**
 * @param waiting who does not want to wait for the lock has no more patience with a server: with `once` each is
 *   tried once, and the first connection may take no longer than the whole wait
 * @throws UsageError for addresses that cannot be read, options that contradict each other, and a timing that
 *   cannot hold
 */
export function readService(values: Values, waiting: Waiting): Service {
  const { url, chosenBy, typed } = chooseUrl(values);
  const ttlMs = values.milliseconds('timeout');
  const attempts = values.attempts('retry') ?? Number.POSITIVE_INFINITY;
  // Whatever the directory of --local is: it is one of files.
  const kind = named(chosenBy, () => serviceOf(url ?? 'file:'));
  const servers = url === undefined ? 1 : named(chosenBy, () => kind.servers(url).length);
  // After what is wrong with it in any place: who is sent to another place is not to be refused there for that.
  if (typed && hasPassword(url ?? '')) throw shownToAll(chosenBy);
  refuseIdleOptions(values, kind, chosenBy);
  return {
    url,
    chosenBy,
    ttlMs,
    connectLimitMs: Math.min(ttlMs, (waiting.how === 'blocking' ? waiting.limitMs : undefined) ?? ttlMs),
    traits: kind.traits(url ?? 'file:'),
    budget: kind.budget(ttlMs, values.milliseconds('loss-grace')),
    connectAttempts: waiting.how === 'once' ? Math.min(attempts, servers) : attempts,
    ...readCredentials(kind, values),
  };
}

/** @returns `typed`: the URL stood on the command line */
function chooseUrl(values: Values): { url: string | undefined; chosenBy: string; typed: boolean } {
  const chosen = oneOf(values.layers, ['zkhosts', 'url', 'memcache-servers', 'local'], ['local']);
  const chosenBy = chosen?.given.label ?? 'default';
  const typed = values.layers[0]?.get(chosen?.name ?? 'zkhosts') !== undefined;
  if (chosen?.name === 'local') return { url: undefined, chosenBy, typed };
  if (chosen?.name === 'url') return { url: values.text('url')?.trim(), chosenBy, typed };
  if (chosen?.name === 'memcache-servers') {
    return { url: `memcached://${hosts(values.text('memcache-servers') ?? '', chosenBy)}`, chosenBy, typed };
  }
  return { url: `zk://${hosts(values.text('zkhosts'), chosenBy)}`, chosenBy, typed };
}

/** A list of servers without blanks around it, and not a URL: one of those would be read as a host with an odd port. */
function hosts(list: string, chosenBy: string): string {
  const text = list.trim();
  const [scheme] = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(text) ?? [];
  if (scheme === undefined) return text;
  throw new UsageError(`${chosenBy}: expected host:port,…, got a URL (${scheme}…)`, {
    hint: 'a URL goes into --url, or LOCKEX_URL',
  });
}

function hasPassword(url: string): boolean {
  return /^[^/]*:\/\/[^/@]*:[^/@]*@/.test(url);
}

function shownToAll(chosenBy: string): UsageError {
  return new UsageError(`${chosenBy}: expected a URL without a password, got one with it`, {
    hint: 'every user of this host can read a command line: use LOCKEX_URL, or --auth-file',
  });
}

/**
 * Runs `read`, whose errors are to name the option that brought them.
 * @throws what `read` throws
 */
export function named<T>(label: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { hint, settings } = error;
    throw new UsageError(`${label}: ${error.message}`, {
      cause: error,
      settings,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** What a service knows nothing of, asked for beside it on the command line, must not be dropped in silence. */
function refuseIdleOptions(values: Values, { name, takes }: Kind, chosenBy: string): void {
  const [typed] = values.layers;
  const idle = CREDENTIALS.find(([option, need]) => typed?.has(option) && !need(takes));
  if (idle === undefined) return;
  const wanted = idle[0].startsWith('zk-') ? 'a ZooKeeper service with it' : 'a service that takes it';
  const other = idle[0] === 'auth-file' && takes.acl ? 'zk-auth-file' : 'auth-file';
  const instead = takes.login && idle[0].endsWith('auth-file');
  throw new UsageError(
    `${flagOf(idle[0])}: expected ${wanted}, got ${chosenBy} (${name})`,
    instead ? { hint: `the login of ${name} is in ${flagOf(other)}` } : {},
  );
}

/** The options with credentials, and what a service must take to have a use for them. */
const CREDENTIALS: readonly (readonly [OptionName, (takes: Kind['takes']) => boolean])[] = [
  ['zk-auth-file', ({ acl }) => acl],
  ['zk-acl', ({ acl }) => acl],
  ['auth-file', ({ login, acl }) => login && !acl],
  ['tls-ca', ({ tls }) => tls],
  ['tls-cert', ({ tls }) => tls],
  ['tls-key', ({ tls }) => tls],
];

/**
 * The credentials that the service at `url` takes.
 * @throws UsageError
 */
export function credentialsFor(url: string, values: Values): Credentials {
  return readCredentials(serviceOf(url), values);
}

type Credentials = Pick<Service, 'auth' | 'acl' | 'tls'>;

function readCredentials({ takes }: Kind, values: Values): Credentials {
  const option = takes.acl ? 'zk-auth-file' : 'auth-file';
  const path = takes.login ? values.text(option) : undefined;
  const acl = takes.acl ? values.choice('zk-acl') : 'open';
  if (acl === 'creator' && path === undefined) {
    throw new UsageError('--zk-acl creator: expected --zk-auth-file with it, got none', {
      hint: 'without credentials, nobody would be the creator',
    });
  }
  return {
    auth: path === undefined ? undefined : { option, path },
    acl,
    tls: takes.tls ? readTls(values) : undefined,
  };
}

function readTls(values: Values): TlsFiles | undefined {
  const tls = { ca: values.text('tls-ca'), cert: values.text('tls-cert'), key: values.text('tls-key') };
  if (tls.cert === undefined && tls.key !== undefined) throw incomplete('tls-key', 'tls-cert');
  if (tls.cert !== undefined && tls.key === undefined) throw incomplete('tls-cert', 'tls-key');
  return tls.ca !== undefined || tls.cert !== undefined ? tls : undefined;
}

function incomplete(given: OptionName, missing: OptionName): UsageError {
  return new UsageError(`--${given}: expected --${missing} with it, got none`);
}
