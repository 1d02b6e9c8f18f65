import { Scope } from '../helpers/scope.js';

import { startZooKeeper } from '../helpers/zookeeper.js';
import { type Addresses, type ServiceName, servicesOf } from './addresses.js';

/** Starts the services that these lines or programs speak of; each is ready to grant. */
export async function startServices(
  texts: readonly string[],
): Promise<{ addresses: Addresses; services: AsyncDisposable }> {
  const scope = new Scope();
  const names = [...new Set(texts.flatMap(servicesOf))];
  const started = await Promise.all(
    names.map(async (name): Promise<[ServiceName, string]> => [name, await STARTERS[name](scope)]),
  ).catch(async (error: unknown) => {
    await scope.end();
    throw error;
  });
  return { addresses: Object.fromEntries(started), services: { [Symbol.asyncDispose]: () => scope.end() } };
}

const STARTERS: Readonly<Record<ServiceName, (scope: Scope) => Promise<string>>> = {
  zookeeper: async (scope) => (await scope.use(startZooKeeper())).address,
  etcd: () => Promise.reject(new Error('soon')),
  redis: () => Promise.reject(new Error('soon')),
  memcached: () => Promise.reject(new Error('soon')),
};
