import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MemcacheNode } from 'memcache';
import type { MakeNode } from '../../../src/backend/memcached/connection.js';
import { MemcachedBackend } from '../../../src/backend/memcached/index.js';
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
