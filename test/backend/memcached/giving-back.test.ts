import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { MemcacheNode } from 'memcache';
import type { Claim } from '../../../src/backend/contract.js';
import type { MakeNode } from '../../../src/backend/memcached/connection.js';
import { MemcachedBackend } from '../../../src/backend/memcached/index.js';
import { keyOf } from '../../../src/backend/memcached/key.js';
import { until } from '../../../src/testing/until.js';
import { type Memcached, startMemcached } from '../../helpers/memcached.js';
import { startProxy } from '../../helpers/proxy.js';
import { scope } from '../../helpers/scope.js';
import { claim, never, open, options } from './kit.js';

const rules = { unsettled: () => 0 };
let server: Memcached;
before(async () => {
  server = await startMemcached();
});
after(() => server[Symbol.asyncDispose]());

test('a lock is given back, though the connection has ended since the last renewal', async (t) => {
  const it = scope(t);
  const proxy = await it.use(startProxy(server.address));
  const holder = await it.use(open(proxy.address, { ttlMs: 20_000 }, rules));
  const next = await it.use(open(server.address, {}, rules));
  const lease = await holder.acquire(claim('ended'), never);
  proxy.reset();
  await lease.release();
  assert.ok(await next.tryAcquire(claim('ended'), never));
});

test('a lock is given back, though a renewal over a new connection writes it at that moment', async (t) => {
  const it = scope(t);
  const nodes: MemcacheNode[] = [];
  let hurry = () => {};
  /** Has the renewal and the one who gives back read the key before either writes it. */
  class Node extends MemcacheNode {
    override async command(...words: Parameters<MemcacheNode['command']>) {
      const answer = super.command(...words);
      if (nodes.length > 1 && words[0].startsWith('mg ')) hurry();
      return answer;
    }
  }
  const makeNode: MakeNode = ({ host, port }) => {
    const node = new Node(host, port, { timeout: 60_000 });
    nodes.push(node);
    return node;
  };
  const servers = [{ host: '127.0.0.1', port: server.port }] as const;
  const holder = await it.use(Promise.resolve(new MemcachedBackend(servers, makeNode, options(), rules)));
  const lease = await holder.acquire(claim('raced'), never);
  let released: Promise<void> | undefined;
  hurry = () => {
    released ??= lease.release();
  };
  await nodes[0]?.disconnect();
  await until(() => released !== undefined, 'a renewal reads the key over a new connection');
  await released;
  const next = await it.use(open(server.address, {}, rules));
  assert.ok(await next.tryAcquire(claim('raced'), never));
});

/**
 * Gives a lock back while a renewal, over a new connection, has read the key and not heard of it yet; returns after that
 * renewal has written what it writes.
 * @param before happens right before the renewal reads
 */
async function renewalBehind(t: TestContext, wanted: Claim, before: () => Promise<void>): Promise<void> {
  const it = scope(t);
  const nodes: MemcacheNode[] = [];
  let giveBack = () => Promise.resolve();
  let released: Promise<void> | undefined;
  class Node extends MemcacheNode {
    override async command(...words: Parameters<MemcacheNode['command']>) {
      if (nodes.length < 2 || !words[0].startsWith('mg ') || released !== undefined) {
        return super.command(...words);
      }
      const answer = super.command(...words);
      released = giveBack();
      await released;
      return answer;
    }
  }
  const makeNode: MakeNode = ({ host, port }) => {
    const node = new Node(host, port, { timeout: 60_000 });
    nodes.push(node);
    return node;
  };
  const servers = [{ host: '127.0.0.1', port: server.port }] as const;
  // A server that is young for whoever holds: what is gone may be written again.
  const young = { unsettled: () => (nodes.length < 2 ? 0 : 1000) };
  const holder = await it.use(Promise.resolve(new MemcachedBackend(servers, makeNode, options(), young)));
  const lease = await holder.acquire(wanted, never);
  giveBack = () => lease.release();
  await before();
  await nodes[0]?.disconnect();
  await until(() => released !== undefined, 'a renewal reads the key over a new connection');
  await released;
  // More round trips over the same connection than the renewal has before it.
  for (let n = 0; n < 10; n += 1) await holder.contenders(wanted.resource, never);
}

test('what is left of a minimum hold is not written over by a renewal that was under way', async (t) => {
  await renewalBehind(t, claim('kept', { holdMs: 60_000 }), async () => {});
  const asking = await scope(t).use(open(server.address, {}, rules));
  const [kept] = await asking.contenders('test/kept', never);
  assert.ok(kept?.heldUntil, 'nobody but a minimum hold is seen');
  await server.delete(keyOf('test/kept'));
});

test('a lock that a server forgot is not written again by a renewal when it has been given back', async (t) => {
  await renewalBehind(t, claim('forgotten'), () => server.delete(keyOf('test/forgotten')));
  assert.equal(await server.get(keyOf('test/forgotten')), undefined);
});

test('who leaves at the moment of the grant leaves no minimum hold behind', async (t) => {
  const it = scope(t);
  const leaving = new AbortController();
  class Node extends MemcacheNode {
    override async command(...words: Parameters<MemcacheNode['command']>) {
      if (words[0].startsWith('ms ')) leaving.abort(new Error('enough'));
      return super.command(...words);
    }
  }
  const makeNode: MakeNode = ({ host, port }) => new Node(host, port, { timeout: 60_000 });
  const servers = [{ host: '127.0.0.1', port: server.port }] as const;
  const who = await it.use(Promise.resolve(new MemcachedBackend(servers, makeNode, options(), rules)));
  await assert.rejects(who.acquire(claim('left', { holdMs: 60_000 }), leaving.signal), /enough/);
  const next = await it.use(open(server.address, {}, rules));
  assert.ok(await next.tryAcquire(claim('left'), never));
});
