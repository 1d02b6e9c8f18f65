import { after, before } from 'node:test';
import { openZooKeeper } from '../../src/backend/zookeeper/index.js';
import type { Session } from '../../src/backend/zookeeper/session.js';
import { contractSuite } from '../../src/testing/suite.js';
import { systemClock } from '../../src/util/clock.js';
import { silentLog } from '../../src/util/log.js';
import { never, openSession } from '../backend/zookeeper/kit.js';
import { treeBelow } from '../backend/zookeeper/tree.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

let zookeeper: ZooKeeper;
let admin: Session;
let grounds = 0;

before(async () => {
  zookeeper = await startZooKeeper();
  admin = await openSession(zookeeper.address);
});
after(async () => {
  await admin.close();
  await zookeeper[Symbol.asyncDispose]();
});

contractSuite('the ZooKeeper backend', async () => {
  grounds += 1;
  const chroot = `/ground-${grounds}`;
  const options = {
    ttlMs: 4000,
    connectLimitMs: 10_000,
    connectAttempts: Number.POSITIVE_INFINITY,
    clock: systemClock,
    log: silentLog,
  };
  return {
    open: () => openZooKeeper(`${zookeeper.address}${chroot}`, options, never),
    /** An admin deletes the node: the one thing that the world can do to one lease alone. */
    async sabotage(_backend, lease) {
      for (const path of await treeBelow(admin, chroot)) {
        const { stat } = await admin.nodes.getData(path);
        if (stat.czxid.readBigInt64BE() === lease.fencingToken) await admin.nodes.remove(path);
      }
    },
    /** Everything but what all locks below a chroot share. */
    async residue() {
      const shared = new Set([chroot, `${chroot}/suite`, `${chroot}/other`]);
      return (await treeBelow(admin, chroot)).filter((path) => !shared.has(path));
    },
    async cleanup() {},
  };
});
