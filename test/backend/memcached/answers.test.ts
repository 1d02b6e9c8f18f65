import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { MemcacheNode } from 'memcache';
import type { Server } from '../../../src/backend/address.js';
import { MemcachedBackend } from '../../../src/backend/memcached/index.js';
import { keyOf } from '../../../src/backend/memcached/key.js';
import { parseServers } from '../../../src/backend/memcached/servers.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { type Memcached, startMemcached } from '../../helpers/memcached.js';
import { scope } from '../../helpers/scope.js';
import { claim, never, options, TTL_MS } from './kit.js';

let memcached: Memcached;
before(async () => {
  memcached = await startMemcached();
  await memcached.settled(TTL_MS);
});
after(() => memcached[Symbol.asyncDispose]());

type Altered = (command: string, send: (command: string) => Promise<unknown>) => Promise<unknown>;

/** A session whose commands go through `altered`. */
function session(t: TestContext, altered: Altered): Promise<MemcachedBackend> {
  class AlteredNode extends MemcacheNode {
    override command(...[command, how]: Parameters<MemcacheNode['command']>) {
      return altered(command, (sent) => super.command(sent, how));
    }
  }
  const makeNode = ({ host, port }: Server) => new AlteredNode(host, port);
  return scope(t).use(new MemcachedBackend(parseServers(memcached.address), makeNode, options()));
}

/** The server does what the next command that begins so asks for; we never hear of it. */
function losing(start: string): { readonly altered: Altered; lose(): void; lost(): number } {
  let [due, lost] = [0, 0];
  return {
    lose: () => {
      due += 1;
    },
    lost: () => lost,
    async altered(command, send) {
      const answer = await send(command);
      if (due === 0 || !command.startsWith(start)) return answer;
      due -= 1;
      lost += 1;
      throw new Error('the answer was lost');
    },
  };
}

test('a grant whose answer is lost is ours all the same, and is given back', async (t) => {
  const loss = losing('ms ');
  const backend = await session(t, loss.altered);
  for (const how of ['acquire', 'tryAcquire'] as const) {
    loss.lose();
    const lease = await backend[how](claim('answer'), never);
    assert.ok(lease, how);
    assert.equal((await backend.contenders('test/answer', never))[0]?.self, true);
    await lease.release();
    assert.deepEqual(await memcached.keys(), []);
  }
  assert.equal(loss.lost(), 2);
});

test('a lock is ours from when it was asked for, and not from when the answer came', async (t) => {
  let [sentAt, granted] = [0, false];
  const late: Altered = async (command, send) => {
    if (granted || !command.startsWith('ms ')) return send(command);
    sentAt = systemClock.now();
    const answer = await send(command);
    await until(() => systemClock.now() > sentAt + 300, 'the answer comes late');
    return answer;
  };
  const lease = await (await session(t, late)).acquire(claim('late-answer'), never);
  granted = true;
  assert.ok(lease.budget);
  assert.ok(lease.deadline() <= sentAt + lease.budget.deadlineAfterMs);
  await lease.release();
});

test('a renewal whose answer is lost is followed by one that counts', async (t) => {
  const loss = losing('ms ');
  const backend = await session(t, loss.altered);
  const lease = await backend.acquire(claim('renewal'), never);
  loss.lose();
  await until(() => loss.lost() === 1, 'the answer to a renewal is lost');
  const before = lease.deadline();
  await until(() => lease.deadline() > before, 'the next one counts');
  await lease.release();
  assert.deepEqual(await memcached.keys(), []);
});

/** Gives back a lock that has expired and is another's by now; returns what is there afterwards. */
async function afterLateRelease(t: TestContext, altered: Altered): Promise<string | undefined> {
  const backend = await session(t, altered);
  const lease = await backend.acquire(claim('late'), never);
  const key = keyOf('test/late');
  await memcached.ask(`set ${key} 0 60 5\r\nother`, /^STORED/);
  await lease.release();
  const left = await memcached.get(key);
  await memcached.delete(key);
  return left;
}

test('giving back too late does not remove the lock of the next one', async (t) => {
  assert.equal(await afterLateRelease(t, (command, send) => send(command)), 'other');
});

test('a removal that does not name what it removes would take the lock of the next one away', async (t) => {
  const careless: Altered = (command, send) => send(command.replace(/^(md \S+) C\d+/, '$1'));
  assert.equal(await afterLateRelease(t, careless), undefined);
});

/** How many of two are granted the lock who have both found it free before either asks for it. */
async function grantedOfTwo(t: TestContext, ask: (command: string) => string): Promise<number> {
  let looking = 2;
  let bothHaveLooked = () => {};
  const looked = new Promise<void>((resolve) => {
    bothHaveLooked = resolve;
  });
  const altered: Altered = async (command, send) => {
    const answer = await send(ask(command));
    if (!command.startsWith('mg ')) return answer;
    looking -= 1;
    if (looking === 0) bothHaveLooked();
    await looked;
    return answer;
  };
  const sessions = [await session(t, altered), await session(t, altered)];
  const leases = await Promise.all(sessions.map((each) => each.tryAcquire(claim('two'), never)));
  await Promise.all(leases.map((lease) => lease?.release()));
  return leases.filter((lease) => lease !== undefined).length;
}

test('of two who find a lock free at the same moment one is granted it', async (t) => {
  assert.equal(await grantedOfTwo(t, (command) => command), 1);
});

test('a key that were written whether it is there or not would be granted to both', async (t) => {
  assert.equal(await grantedOfTwo(t, (command) => command.replace(' ME ', ' MS ')), 2);
});
