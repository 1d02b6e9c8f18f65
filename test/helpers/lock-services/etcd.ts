import { type Etcd, startEtcd, startEtcdCluster } from '../etcd.js';
import type { LockService } from './service.js';

/** One etcd, or a cluster of three, the first of which leads. */
export async function etcdService(size: 1 | 3): Promise<LockService> {
  const etcd: Etcd = await (size === 1 ? startEtcd() : startEtcdCluster(3));
  const leader = await etcd.leader();
  return {
    servers: [leader, ...etcd.servers.filter((server) => server !== leader)].map((server) => ({
      address: server.address,
      kill: () => server.kill(),
      stop: () => server.kill(),
      launch: async () => server.launch(),
      freeze: () => server.freeze(),
      thaw: () => server.thaw(),
    })),
    urlOf: (addresses) => `etcd://${addresses.join(',')}`,
    serves: () => etcd.ready(),
    async deleteLock(resource) {
      // The first in line is the one that was made first; its name says nothing.
      const line = etcd.admin.getAll().prefix(`/${resource}//`).sort('Create', 'Ascend').limit(1);
      const [holder = ''] = await line.keys();
      await etcd.admin.delete().key(holder);
    },
    [Symbol.asyncDispose]: () => etcd[Symbol.asyncDispose](),
  };
}
