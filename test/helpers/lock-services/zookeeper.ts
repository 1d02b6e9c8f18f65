import { Probe } from '../zk-probe.js';
import { startZooKeeper } from '../zookeeper.js';
import type { LockService } from './service.js';

/** One standalone ZooKeeper. */
export async function zooKeeperService(): Promise<LockService> {
  const zookeeper = await startZooKeeper();
  return {
    servers: zookeeper.servers,
    urlOf: (addresses) => `zk://${addresses.join(',')}`,
    serves: () => zookeeper.server().ready(),
    async deleteLock(resource) {
      await using probe = await Probe.open(zookeeper.address);
      const [holder = ''] = (await probe.children(`/${resource}`)).sort(
        (one, other) => Number(one.slice(-10)) - Number(other.slice(-10)),
      );
      await probe.remove(`/${resource}/${holder}`);
    },
    [Symbol.asyncDispose]: () => zookeeper[Symbol.asyncDispose](),
  };
}
