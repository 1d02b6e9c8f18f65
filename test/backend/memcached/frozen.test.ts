import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MemcacheNode } from 'memcache';
import type { Server } from '../../../src/backend/address.js';
import { MemcachedBackend } from '../../../src/backend/memcached/index.js';
import { SeenClock } from '../../../src/backend/memcached/seen-clock.js';
import { parseServers } from '../../../src/backend/memcached/servers.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { LeaseLostError } from '../../../src/util/errors.js';
import { startMemcached } from '../../helpers/memcached.js';
import { scope } from '../../helpers/scope.js';
import { claim, never, options, TTL_MS } from './kit.js';

/** Waits for so long, ms, with the server stopped. */
async function pass(ms: number): Promise<void> {
  const end = systemClock.now() + ms;
  await until(() => systemClock.now() >= end, 'the server was stopped for long enough', ms + 15_000);
}

test('memcached that was stopped writes by a clock that is behind: what it acknowledges then is gone too early', async (t) => {
  const on = scope(t);
  const memcached = await on.use(startMemcached());
  const nodes = Array.from(
    { length: 16 },
    () => new MemcacheNode('127.0.0.1', memcached.port, { timeout: 60_000 }),
  );
  t.after(() => Promise.all(nodes.map((node) => node.disconnect())));
  await Promise.all(nodes.map((node) => node.connect()));
  // Which of its threads is the first to run again is chance.
  for (let round = 0, gone = 0; gone === 0; round += 1) {
    assert.ok(round < 10, 'no key was gone too early');
    await memcached.freeze();
    await pass(4000);
    const answers = Promise.all(nodes.map((node, n) => node.command(`ms key-${n} 1 T3\r\nx`)));
    memcached.thaw();
    assert.deepEqual(new Set(await answers), new Set(['HD']));
    const thawedAt = systemClock.now();
    const left = await Promise.all(nodes.map((_, n) => memcached.get(`key-${n}`)));
    if (systemClock.now() - thawedAt < 1000) gone = left.filter((text) => text === undefined).length;
  }
});

test('a clock that was seen to move was right later than the last time that it was seen as it had been', () => {
  const clock = new SeenClock();
  const seen = [
    [7, 1000],
    [7, 1300],
    [8, 1600],
    [8, 1900],
    [12, 5000],
    // Another process: it began to count anew.
    [2, 6000],
  ] as const;
  assert.deepEqual(
    seen.map(([second, sentAt]) => clock.saw(second, sentAt)),
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 1300, 1300, 1900, 5000],
  );
});

/** Until when a lease is good, at first and at last, that is renewed by a server whose clock is shown in this way. */
async function renewedBy(t: TestContext, shown: (second: number) => number) {
  const on = scope(t);
  const memcached = await on.use(startMemcached());
  await memcached.settled(TTL_MS);
  let [granted, renewals] = [false, 0];
  class Shown extends MemcacheNode {
    override async command(...words: Parameters<MemcacheNode['command']>) {
      const answer: unknown = await super.command(...words);
      if (words[0].startsWith('ms ')) renewals += 1;
      if (words[0] !== 'stats' || !granted || typeof answer !== 'object') return answer;
      return { ...answer, uptime: shown(Number(await memcached.stat('uptime'))) };
    }
  }
  const makeNode = ({ host, port }: Server) => new Shown(host, port, { timeout: 60_000 });
  const backend = await on.use(
    Promise.resolve(new MemcachedBackend(parseServers(memcached.address), makeNode, options())),
  );
  granted = true;
  const lease = await backend.acquire(claim('shown'), never);
  return { lease, renewals: () => renewals };
}

test('a renewal that memcached acknowledges by a clock that stands still does not count', async (t) => {
  const { lease, renewals } = await renewedBy(t, () => 1000);
  const deadline = lease.deadline();
  await until(() => lease.lost.aborted, 'the lease is lost in time');
  assert.ok(lease.lost.reason instanceof LeaseLostError);
  assert.equal(lease.lost.reason.lossCause, 'silence');
  assert.ok(renewals() > 3, 'renewals were acknowledged');
  assert.equal(lease.deadline(), deadline);
  await lease.release();
});

test('a renewal counts when the clock is seen to move', async (t) => {
  const { lease, renewals } = await renewedBy(t, (second) => second);
  const deadline = lease.deadline();
  await until(() => lease.deadline() > deadline + TTL_MS, 'the lease is renewed');
  assert.equal(lease.isLost(), false);
  assert.ok(renewals() > 3);
  await lease.release();
});
