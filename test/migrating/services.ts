import { startEtcd } from '../helpers/etcd.js';
import { startMemcached } from '../helpers/memcached.js';
import { startRedis } from '../helpers/redis.js';
import { Scope } from '../helpers/scope.js';
import { startZooKeeper } from '../helpers/zookeeper.js';
import { type Addresses, type ServiceName, servicesOf } from './addresses.js';

/** Starts the services that these lines or programs speak of; each grants to those whose timeout is up to `TIMEOUT_S`. */
export async function startServices(
  texts: readonly string[],
): Promise<{ addresses: Addresses; services: AsyncDisposable }> {
  const scope = new Scope();
  const names = [...new Set(texts.flatMap(servicesOf))];
  const starting = await Promise.allSettled(names.map((name) => STARTERS[name](scope)));
  const failed = starting.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await scope.end();
    throw failed.reason;
  }
  const addresses = starting.map((one, index) => [names[index], one.status === 'fulfilled' && one.value]);
  return { addresses: Object.fromEntries(addresses), services: { [Symbol.asyncDispose]: () => scope.end() } };
}

/** Session timeout of lines that say none, s. */
export const TIMEOUT_S = 6;

const STARTERS: Readonly<Record<ServiceName, (scope: Scope) => Promise<string>>> = {
  async zookeeper(scope) {
    return (await scope.use(startZooKeeper())).address;
  },
  async etcd(scope) {
    return (await scope.use(startEtcd())).server().address;
  },
  // Redis and memcached forget: one that was just started grants nothing, it might have forgotten a lock.
  async redis(scope) {
    const redis = await scope.use(startRedis());
    await redis.grown(TIMEOUT_S * 1000);
    return redis.address;
  },
  async memcached(scope) {
    const memcached = await scope.use(startMemcached());
    await memcached.settled(TIMEOUT_S * 1000);
    return memcached.address;
  },
};
