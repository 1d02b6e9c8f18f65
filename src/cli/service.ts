import { parseEnsemble } from '../backend/zookeeper/hosts.js';
import { leaseBudget } from '../backend/zookeeper/timing.js';
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
  /** The time line if the servers give the timeout asked for; `undefined` where silence cannot lose a lock. */
  readonly budget: LeaseBudget | undefined;
  readonly authFile: string | undefined;
  readonly acl: 'open' | 'creator';
  readonly tls: TlsFiles | undefined;
}

export interface TlsFiles {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** The URL of a ZooKeeper service, and its address. */
const ZOOKEEPER = /^(?:zk|zookeeper):\/\/(.*)$/is;

/** What only ZooKeeper knows: asked for beside another service, the wish must not be dropped in silence. */
const ZOOKEEPER_ONLY: readonly OptionName[] = ['zk-auth-file', 'zk-acl', 'tls-ca', 'tls-cert', 'tls-key'];

/**
 * @param waiting who does not want to wait for the lock has no more patience with a server: with `once` each is
 *   tried once, and the first connection may take no longer than the whole wait
 * @throws UsageError for addresses that cannot be read, options that contradict each other, and a timing that
 *   cannot hold
 */
export function readService(values: Values, waiting: Waiting): Service {
  const { url, chosenBy } = chooseUrl(values);
  const ttlMs = values.milliseconds('timeout');
  const attempts = values.attempts('retry') ?? Number.POSITIVE_INFINITY;
  const address = ZOOKEEPER.exec(url ?? '')?.[1];
  const servers = address === undefined ? undefined : serversOf(address, chosenBy);
  if (servers === undefined) refuseZooKeeperOptions(values, chosenBy);
  const budget = servers === undefined ? undefined : leaseBudget(ttlMs, values.milliseconds('loss-grace'));
  return {
    url,
    chosenBy,
    ttlMs,
    connectLimitMs: Math.min(ttlMs, (waiting.how === 'blocking' ? waiting.limitMs : undefined) ?? ttlMs),
    budget,
    connectAttempts: waiting.how === 'once' ? Math.min(attempts, servers ?? 1) : attempts,
    ...credentialsFor(url ?? '', values),
  };
}

function chooseUrl(values: Values): { url: string | undefined; chosenBy: string } {
  const chosen = oneOf(values.layers, ['zkhosts', 'url', 'local'], ['local']);
  const chosenBy = chosen?.given.label ?? 'default';
  if (chosen?.name === 'local') return { url: undefined, chosenBy };
  const url = chosen?.name === 'url' ? values.text('url') : undefined;
  return { url: url ?? `zk://${values.text('zkhosts')}`, chosenBy };
}

function serversOf(address: string, chosenBy: string): number {
  try {
    return parseEnsemble(address).servers.length;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${chosenBy}: ${error.message}`, { cause: error });
  }
}

function refuseZooKeeperOptions(values: Values, chosenBy: string): void {
  const [typed] = values.layers;
  const name = ZOOKEEPER_ONLY.find((option) => typed?.has(option));
  if (name === undefined) return;
  throw new UsageError(`${flagOf(name)}: expected a ZooKeeper service with it, got ${chosenBy}`);
}

/**
 * The credentials for a service: only ZooKeeper takes any.
 * @throws UsageError
 */
export function credentialsFor(url: string, values: Values): Credentials {
  return ZOOKEEPER.test(url) ? readCredentials(values) : NO_CREDENTIALS;
}

type Credentials = Pick<Service, 'authFile' | 'acl' | 'tls'>;

const NO_CREDENTIALS: Credentials = { authFile: undefined, acl: 'open', tls: undefined };

function readCredentials(values: Values): Credentials {
  const authFile = values.text('zk-auth-file');
  const acl = values.choice('zk-acl');
  if (acl === 'creator' && authFile === undefined) {
    throw new UsageError('--zk-acl creator: expected --zk-auth-file with it, got none', {
      hint: 'without credentials, nobody would be the creator',
    });
  }
  const tls = { ca: values.text('tls-ca'), cert: values.text('tls-cert'), key: values.text('tls-key') };
  if (tls.cert === undefined && tls.key !== undefined) throw incomplete('tls-key', 'tls-cert');
  if (tls.cert !== undefined && tls.key === undefined) throw incomplete('tls-cert', 'tls-key');
  const wanted = tls.ca !== undefined || tls.cert !== undefined;
  return { authFile, acl, tls: wanted ? tls : undefined };
}

function incomplete(given: OptionName, missing: OptionName): UsageError {
  return new UsageError(`--${given}: expected --${missing} with it, got none`);
}
