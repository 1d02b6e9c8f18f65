/** The services of the document, and where they are in a test. */
export type ServiceName = 'zookeeper' | 'etcd' | 'redis' | 'memcached';

/** `127.0.0.1:PORT` of those that were started. */
export type Addresses = Readonly<Partial<Record<ServiceName, string>>>;

/** How the document writes the servers of each: `zk1`, `zk2:2181`. */
const HOSTS: Readonly<Record<ServiceName, RegExp>> = {
  zookeeper: /\bzk\d(?::2181)?\b/g,
  etcd: /\betcd\d(?::2379)?\b/g,
  redis: /\bredis\d(?::6379)?\b/g,
  memcached: /\bmc\d(?::11211)?\b/g,
};

/** What names a service in a line of ours; one without it means the ZooKeeper of the environment. */
const NAMED = /\bLOCKEX_ZKHOSTS=|\bZKHOSTS=|\bMEMCACHE_SERVERS=|\bLOCKEX_URL=|--url\b|--local\b|-z /;

function isUnnamed(text: string): boolean {
  return /\blockex\b/.test(text) && !NAMED.test(text);
}

/** The services that a text speaks of. */
export function servicesOf(text: string): ServiceName[] {
  const all: readonly ServiceName[] = ['zookeeper', 'etcd', 'redis', 'memcached'];
  const found = all.filter((name) => text.search(HOSTS[name]) >= 0);
  return found.length === 0 && isUnnamed(text) ? ['zookeeper'] : found;
}

/**
 * A line or program with the addresses of real servers, and what it needs in its environment besides.
 * @throws Error when it speaks of a service that was not started
 */
export function withAddresses(text: string, addresses: Addresses): { text: string; env: NodeJS.ProcessEnv } {
  const env: Record<string, string> = {};
  let told = text;
  for (const name of servicesOf(text)) {
    const address = addresses[name];
    if (address === undefined) throw new Error(`expected a ${name} for ${text}, there is none`);
    told = told.replace(HOSTS[name], address);
    if (name === 'zookeeper' && isUnnamed(text)) env['ZKHOSTS'] = address;
    // For the etcdctl of lines that run it inside.
    if (name === 'etcd') Object.assign(env, { ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: `http://${address}` });
  }
  return { text: told, env };
}
