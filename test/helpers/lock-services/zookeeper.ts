import { Probe } from '../zk-probe.js';
import { startEnsemble, startZooKeeper } from '../zookeeper.js';
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

/** Three servers with a leader, which is the first of them. */
export async function zooKeeperCluster(): Promise<LockService> {
  const ensemble = await startEnsemble(3);
  const leader = await ensemble.leader();
  return {
    servers: [leader, ...(await ensemble.followers())],
    urlOf: (addresses) => `zk://${addresses.join(',')}`,
    async serves() {
      await ensemble.leader();
    },
    async deleteLock(resource) {
      throw new Error(`nobody deletes ${resource} here`);
    },
    [Symbol.asyncDispose]: () => ensemble[Symbol.asyncDispose](),
  };
}
