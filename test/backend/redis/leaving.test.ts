import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { RedisBackend } from '../../../src/backend/redis/backend.js';
import { clientOptions } from '../../../src/backend/redis/client-options.js';
import { contend, type Place } from '../../../src/backend/redis/contend.js';
import { keysOf } from '../../../src/backend/redis/keys.js';
import { leaveAll } from '../../../src/backend/redis/leave.js';
import { Master } from '../../../src/backend/redis/master.js';
import { Masters } from '../../../src/backend/redis/masters.js';
import { Notices } from '../../../src/backend/redis/notices.js';
import { HOLD } from '../../../src/backend/redis/scripts.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';
import { type RedisServer, startRedis } from '../../helpers/redis.js';
import { claimOf, never, openAt, openOptions, TTL_MS } from './kit.js';

const young = { minUptimeS: 0 };
let server: RedisServer;
before(async () => {
  server = await startRedis();
});
after(() => server[Symbol.asyncDispose]());

async function mastersOf(make: (name: string, client: Redis) => Master): Promise<Masters> {
  const client = new Redis({ ...clientOptions(TTL_MS, Math.random), host: '127.0.0.1', port: server.port });
  const masters = new Masters([make(server.address, client)]);
  await masters.open(openOptions(), never);
  return masters;
}

test('a grant whose answer was lost, and whose lock has ended since, does not stand in its own way by its hold', async () => {
  const masters = await mastersOf((name, client) => new Master(name, client));
  const keys = keysOf('test/own');
  const place: Place = { keys, owner: 'me', who: '{}', ttlMs: TTL_MS, holdMs: 60_000, minUptimeS: 0 };
  try {
    assert.equal((await contend(masters, place, true, never)).how, 'granted');
    await server.cli('DEL', keys.lock);
    await server.cli('PEXPIRE', keys.hold, '50000');
    assert.equal((await contend(masters, { ...place, owner: 'other' }, true, never)).how, 'held');
    assert.equal((await contend(masters, place, true, never)).how, 'granted');
    assert.ok(Number(await server.cli('PTTL', keys.hold)) > 50_000, 'it holds from this grant on');
  } finally {
    masters.close();
  }
});

test('a grant whose answer was lost is ours at the next attempt, and lives for another timeout from then', async () => {
  const masters = await mastersOf((name, client) => new Master(name, client));
  const keys = keysOf('test/again');
  const place: Place = { keys, owner: 'me', who: '{}', ttlMs: 60_000, holdMs: 0, minUptimeS: 0 };
  try {
    assert.equal((await contend(masters, place, true, never)).how, 'granted');
    await server.cli('PEXPIRE', keys.lock, '20000');
    assert.equal((await contend(masters, place, true, never)).how, 'granted');
    assert.ok(Number(await server.cli('PTTL', keys.lock)) > 20_000);
  } finally {
    masters.close();
  }
});

function backendOf(masters: Masters): RedisBackend {
  return new RedisBackend({
    masters,
    notices: new Notices(() => []),
    url: `redis://${server.address}`,
    ttlMs: TTL_MS,
    connectLimitMs: 1000,
    doors: [],
    ...young,
    clock: systemClock,
    log: silentLog,
  });
}

/** One who does `act` so many turns of the event loop's inner queue after each answer. */
class Turning extends Master {
  turns = 0;
  act = () => {};
  override async run(...words: Parameters<Master['run']>) {
    const answer = await super.run(...words);
    void this.#turn(this.turns);
    return answer;
  }
  async #turn(turns: number) {
    for (let turn = 0; turn < turns; turn += 1) await undefined;
    this.act();
  }
}

test('a session that is closed at the very moment of a grant leaves no lock behind', async () => {
  for (let turns = 0; turns < 40; turns += 1) {
    let master: Turning | undefined;
    const masters = await mastersOf((name, client) => {
      master = new Turning(name, client);
      return master;
    });
    const backend = backendOf(masters);
    let closed: Promise<void> | undefined;
    assert.ok(master);
    master.turns = turns;
    master.act = () => {
      closed ??= backend[Symbol.asyncDispose]();
    };
    await backend.acquire(claimOf(), never).catch(() => {});
    // Some turns after the answer the lease is there already, and the end is to come.
    await until(() => closed !== undefined, 'the session is being closed');
    await closed;
    assert.equal(
      await server.cli('EXISTS', 'lockex:{test/r}'),
      '0',
      `closed ${turns} turns after the answer`,
    );
  }
});

/** One who does `act` when a minimum hold has been asked for, and not been answered. */
class Holding extends Master {
  act = () => {};
  override run(...words: Parameters<Master['run']>) {
    const answer = super.run(...words);
    if (words[0] === HOLD) this.act();
    return answer;
  }
}

test('who leaves while its minimum hold is being made leaves none', async () => {
  let master: Holding | undefined;
  const masters = await mastersOf((name, client) => {
    master = new Holding(name, client);
    return master;
  });
  const backend = backendOf(masters);
  const leaving = new AbortController();
  assert.ok(master);
  master.act = () => leaving.abort();
  const claim = claimOf({ resource: 'test/leaver', holdMs: 60_000 });
  await assert.rejects(backend.acquire(claim, leaving.signal), { name: 'AbortError' });
  await backend[Symbol.asyncDispose]();
  assert.deepEqual(
    (await server.keys()).filter((key) => key.includes('leaver')),
    [],
  );
});

test('giving back to servers that are down leaves nothing on the signal of the session, however often it is tried', async () => {
  const client = new Redis({ ...clientOptions(TTL_MS, Math.random), host: '127.0.0.1', port: server.port });
  const masters = new Masters([new Master(server.address, client)]);
  const place = { keys: keysOf('test/down'), owner: 'me', who: '{}', ttlMs: 500, holdMs: 0, minUptimeS: 0 };
  const session = new AbortController();
  await leaveAll(masters, place, 'release', systemClock, session.signal);
  assert.equal(getEventListeners(session.signal, 'abort').length, 0);
});

/** What a server answers to these bytes, until it hangs up. */
function answerTo(bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(server.port, '127.0.0.1', () => void socket.write(bytes));
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      answer += text;
    });
    socket.once('error', reject).once('close', () => resolve(answer));
  });
}

test('a farewell takes what is ours away, and nothing of whoever has the lock by now', async () => {
  await using a = await openAt(server.address, young);
  await using b = await openAt(server.address, young);
  const claim = claimOf({ resource: 'test/farewell' });
  const lost = await a.acquire(claim, never);
  const [farewell] = a.farewells;
  assert.ok(farewell);
  await server.cli('DEL', 'lockex:{test/farewell}');
  const held = await b.acquire(claim, never);
  assert.match(await answerTo(farewell.bytes), farewell.taken);
  assert.equal(await server.cli('EXISTS', 'lockex:{test/farewell}'), '1');
  const [last] = b.farewells;
  assert.ok(last);
  assert.match(await answerTo(last.bytes), last.taken);
  assert.equal(await server.cli('EXISTS', 'lockex:{test/farewell}'), '0');
  await Promise.all([lost.release(), held.release()]);
});
