/** A program around a line of the document, and what it writes. */
export interface Around {
  readonly before?: string;
  /** What stands behind the line, or around it: `LINE` is its place. */
  readonly after: string;
  readonly writes: string;
}

/** Another program that holds the lock `stock`: what the line is to wait for, or to give up for. */
const HELD = "const holder = (await connect(url)).lock('stock'); await holder.acquire();";

/** The lock of the document. */
const STOCK = "configure({ url }); const stock = lock('stock');";

/** Whether the lock that a line has made is one: it is held, and another session of the same service sees that. */
function isALock(where: string): string {
  return `await stock.acquire(); console.log(await (await connect(${where})).lock('stock').locked());`;
}

/**
 * Each line of ours that is no command, by section. The programs know `url`, of an etcd with locks of their own, and
 * all of the library. A line that is not here, or one more here, fails the test of the document.
 */
export const LIBRARY_LINES: Readonly<Record<string, Readonly<Record<string, Around>>>> = {
  sherlock: {
    "configure({ url: 'etcd://etcd1', namespace: 'shop', ttl: '60s' });": {
      after:
        "await lock('stock').acquire(); console.log(await (await connect('etcd://etcd1', { namespace: 'shop' })).lock('stock').locked(), await (await connect('etcd://etcd1')).lock('stock').locked());",
      writes: 'true false\n',
    },
    "const stock = lock('stock');": {
      before: 'configure({ url });',
      after: isALock('url'),
      writes: 'true\n',
    },
    'const lease = await stock.acquire();': {
      before: `${STOCK} ${HELD} void holder.locked().then(() => holder.release());`,
      after: 'console.log(stock.owned, holder.owned, lease.lost.aborted, typeof lease.fencingToken);',
      writes: 'true false false bigint\n',
    },
    'const lease = await stock.tryAcquire();': {
      before: STOCK,
      after: `console.log(lease?.owned, await (await connect(url)).lock('stock').tryAcquire());`,
      writes: 'true undefined\n',
    },
    "const lease = await stock.acquire({ timeout: '1s' });": {
      before: `${STOCK} ${HELD}`,
      after:
        'try { LINE console.log(lease); } catch (error) { console.log(error instanceof LockTimeoutError); }',
      writes: 'true\n',
    },
    'const taken = await stock.locked();': {
      before: `${STOCK} ${HELD}`,
      after: 'await holder.release(); console.log(taken, await stock.locked());',
      writes: 'true false\n',
    },
    'await stock.release();': {
      before: `${STOCK} await stock.acquire();`,
      after: 'console.log(await stock.locked()); await stock.release();',
      writes: 'false\n',
    },
    'await stock.hold(takeStock);': {
      before: `${STOCK} const takeStock = async (lease: HeldLease) => console.log(lease.lost.aborted, await stock.locked());`,
      after: 'console.log(await stock.locked());',
      writes: 'false true\nfalse\n',
    },
    "const stock = (await connect({ redis: client })).lock('stock');": {
      before: "const client = new Redis('redis://redis1');",
      after: `${isALock("'redis://redis1'")} await stock.release(); console.log(await client.ping()); client.disconnect();`,
      writes: 'true\nPONG\n',
    },
    "const stock = (await connect('memcached://mc1')).lock('stock');": {
      after: isALock("'memcached://mc1'"),
      writes: 'true\n',
    },
    "const stock = (await connect('file:///tmp/shop')).lock('stock');": {
      after: isALock("'file:///tmp/shop'"),
      writes: 'true\n',
    },
  },

  distributedlock: {
    "const locks = await connect('memcached://mc1:11211', { ttl: '60s' });": {
      after:
        "await locks.lock('hello').hold(async () => console.log(await (await connect('memcached://mc1:11211')).lock('hello').locked()));",
      writes: 'true\n',
    },
    "@exclusive(locks, { key: 'close', blocking: false })": {
      before: 'const locks = await connect(url);',
      after: `class Shop { LINE async close() { console.log(await locks.lock('close').locked()); } }
await new Shop().close();
await (await connect(url)).lock('close').acquire();
await new Shop().close().catch((error) => console.log(error instanceof LockNotAcquiredError));`,
      writes: 'true\ntrue\n',
    },
    '@exclusive(locks)': {
      before: 'const locks = await connect(url);',
      after: `class Shop { LINE async close() { console.log(await locks.lock('Shop.close').locked()); } }
await new Shop().close();`,
      writes: 'true\n',
    },
    "await locks.lock('hello').hold(work);": {
      before:
        "const locks = await connect(url); const work = async () => console.log(await locks.lock('hello').locked());",
      after: "console.log(await locks.lock('hello').locked());",
      writes: 'true\nfalse\n',
    },
    "const lease = await locks.lock('hello').tryAcquire();": {
      before: "const locks = await connect(url); await (await connect(url)).lock('hello').acquire();",
      after: 'console.log(lease);',
      writes: 'undefined\n',
    },
    "await (await connect('memory:')).lock('hello').hold(work);": {
      before:
        "const work = async () => console.log(await (await connect('memory:')).lock('hello').locked(), await (await connect(url)).lock('hello').locked());",
      after: '',
      writes: 'true false\n',
    },
  },
};

/** The program that shows what a line of the document does. */
export function programOf(line: string, { before = '', after }: Around): string {
  const body = after.includes('LINE') ? after.replace('LINE', line) : `${line}\n${after}`;
  return `import { Redis } from 'ioredis';
import { configure, connect, exclusive, type HeldLease, lock, LockNotAcquiredError, LockTimeoutError } from 'lockex';

const url = 'etcd://etcd1/${line.replace(/\W+/g, '-')}';
${before}
${body}
process.exit(0);
`;
}
