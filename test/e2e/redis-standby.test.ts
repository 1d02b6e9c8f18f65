import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { freePort } from '../helpers/ports.js';
import { Run } from '../helpers/run.js';
import { type Scope, scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { startEnsemble } from '../helpers/zookeeper.js';
import { FIXTURES_FIRST_PATH, Host } from './cold-standby/host.js';
import { ask, livesIn, overlaps, redisConfig, serverPid } from './cold-standby/redis.js';
import { Witness } from './cold-standby/witness.js';

/** Waits until a redis-server of this host serves; returns its pid. */
async function serving(host: Host, port: number): Promise<number> {
  return until(async () => {
    const pid = await serverPid(port);
    return host.runs(pid) && pid;
  }, 'the host serves');
}

/** Runs a command under the witness that no lock guards; resolves to its status. */
async function secondCommand(owned: Scope, witness: Witness): Promise<number | null> {
  const env = { PATH: FIXTURES_FIRST_PATH, WITNESS: witness.path };
  const run = await owned.use(new Run('alone', ['true'], { env }));
  return (await run.exited).code;
}

test('lockex makes a cold standby: two hosts, one redis-server on their common data, every key kept', {
  timeout: 60_000,
}, async (t) => {
  const owned = scope(t);
  // What both hosts see: a data directory, and what a redis-server on it needs.
  const storage = await owned.use(tempDir('redis'));
  const witness = await owned.use(Witness.create());
  const port = await freePort();
  await writeFile(storage.join('redis.conf'), redisConfig(port, storage.path));
  const ensemble = await owned.use(startEnsemble(3));
  const newHost = () =>
    owned.use(
      Host.start({
        programs: 'redis.conf',
        servers: ensemble.hosts,
        witness,
        env: { REDIS_CONF: storage.join('redis.conf') },
      }),
    );
  const hosts = [await newHost(), await newHost()] as const;

  await t.test('one of two hosts serves, and the other waits in line', async () => {
    await until(() => ask(port, 'PING'), 'a redis-server answers');
    assert.equal(await ask(port, 'SET greeting hello'), '+OK');
    assert.equal(await ask(port, 'INCRBY visits 41'), ':41');
  });
  const [first, second] = hosts[0].runs(await serverPid(port)) ? hosts : [hosts[1], hosts[0]];
  await second.logged('redis', 'we are next in line');

  await t.test('when its entry is stopped, the other one serves the same keys', async () => {
    assert.match(await first.ctl('stop', 'redis'), /redis: stopped/);
    await serving(second, port);
    assert.equal(await ask(port, 'GET greeting'), '$5\r\nhello');
    assert.equal(await ask(port, 'INCR visits'), ':42');
  });

  await t.test('the one that comes back waits, and disturbs nothing', async () => {
    const pid = await serverPid(port);
    assert.match(await first.ctl('start', 'redis'), /redis: started/);
    await first.logged('redis', 'we are next in line');
    assert.equal((await first.status()).get('redis')?.state, 'RUNNING');
    assert.equal(await serverPid(port), pid);
    assert.equal(await ask(port, 'SET farewell bye'), '+OK');
  });

  await t.test('when the whole host shuts down, the first one serves again, with all keys', async () => {
    await second.shutDown();
    await serving(first, port);
    assert.equal(await ask(port, 'GET greeting'), '$5\r\nhello');
    assert.equal(await ask(port, 'GET farewell'), '$3\r\nbye');
    assert.equal(await ask(port, 'GET visits'), '$2\r\n42');
  });

  await t.test('at no time did two redis-servers live', async () => {
    assert.equal(await secondCommand(owned, witness), Witness.SECOND, 'the twin: a second one is witnessed');
    await first.shutDown();
    witness.expectNone();
    const log = hosts.map((host) => host.stdout('redis')).join('');
    const lives = livesIn(log);
    assert.equal(lives.length, 3);
    assert.ok(
      lives.every(({ to }) => Number.isFinite(to)),
      `all said goodbye: ${log}`,
    );
    assert.deepEqual(overlaps(lives), []);
    assert.doesNotMatch(log, /Address already in use/);
    assert.equal(log.match(/Ready to accept connections/g)?.length, 3);
    for (const host of hosts) assert.doesNotMatch(host.events, /exited: redis/);
  });
});

test('lives that have a moment in common are found in the logs of redis', () => {
  const line = (pid: number, second: number, text: string) =>
    `${pid}:M 21 Nov 2026 05:48:0${second}.500 * ${text}\n`;
  const goodbye = 'Redis is now ready to exit, bye bye...';
  const lives = (second: number, third: number) =>
    livesIn(line(7, 1, 'starting') + line(7, second, goodbye) + line(8, third, 'starting'));
  assert.deepEqual(overlaps(lives(2, 3)), []);
  assert.deepEqual(
    overlaps(lives(4, 3)).map((pair) => pair.map(({ pid }) => pid)),
    [[7, 8]],
  );
  assert.equal(overlaps(livesIn(line(7, 1, 'starting') + line(8, 2, 'starting'))).length, 1);
});
