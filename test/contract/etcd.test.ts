import { after, before } from 'node:test';
import { openEtcd } from '../../src/backend/etcd/index.js';
import { contractSuite } from '../../src/testing/suite.js';
import { systemClock } from '../../src/util/clock.js';
import { silentLog } from '../../src/util/log.js';
import { type Etcd, startEtcd } from '../helpers/etcd.js';

let etcd: Etcd;
let grounds = 0;

before(async () => {
  etcd = await startEtcd();
});
after(() => etcd[Symbol.asyncDispose]());

const never = new AbortController().signal;

contractSuite('the etcd backend', async () => {
  grounds += 1;
  const prefix = `/ground-${grounds}`;
  const options = {
    ttlMs: 4000,
    connectLimitMs: 10_000,
    connectAttempts: Number.POSITIVE_INFINITY,
    clock: systemClock,
    log: silentLog,
  };
  return {
    open: () => openEtcd(`${etcd.hosts}${prefix}`, options, never),
    /** An admin revokes the etcd lease of the key, as `etcdctl lease revoke` does. */
    async sabotage(_backend, lease) {
      const { kvs } = await etcd.admin.getAll().prefix(prefix).exec();
      const found = kvs.find((kv) => BigInt(kv.create_revision) === lease.fencingToken);
      await etcd.admin.leaseClient.leaseRevoke({ ID: found?.lease ?? '0' });
    },
    residue: () => etcd.keys(prefix),
    async cleanup() {},
  };
});
