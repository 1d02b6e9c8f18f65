import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, type TestContext, test } from 'node:test';
import { Session } from '../../src/backend/zookeeper/session.js';
import { until } from '../../src/testing/until.js';
import { never, sessionOptions } from '../backend/zookeeper/kit.js';
import { freshLock, run, running, STAYS } from '../e2e/stage.js';
import { Daemon } from '../helpers/daemon.js';
import { silentServer } from '../helpers/fake-servers.js';
import { freePort } from '../helpers/ports.js';
import { alive } from '../helpers/processes.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

/** Listens and accepts nothing: once its line is full, the kernel drops whatever asks for a connection. */
const DEAF = `
use Socket;
socket(my $server, PF_INET, SOCK_STREAM, 0) or die;
my $where = pack_sockaddr_in($ARGV[0], INADDR_LOOPBACK);
bind($server, $where) or die;
listen($server, 0) or die;
socket(my $filler, PF_INET, SOCK_STREAM, 0) or die;
connect($filler, $where) or die;
$| = 1; print "full\\n"; sleep 60`;

/** The ways in which a server can be dead; each gives its address. */
const DEAD = {
  refuses: async () => `127.0.0.1:${await freePort()}`,
  'accepts and says nothing': async (t: TestContext) => (await scope(t).use(silentServer())).address,
  'does not answer at all': async (t: TestContext) => {
    const dir = await scope(t).use(tempDir('deaf'));
    const port = await freePort();
    const server = Daemon.start('perl', ['-e', DEAF, String(port)], { logFile: dir.join('log') });
    await scope(t).use(server);
    await until(() => server.log().includes('full'), 'its line is full');
    return `127.0.0.1:${port}`;
  },
};

for (const [how, dead] of Object.entries(DEAD)) {
  test(`trap 51: DNS names re-resolved on reconnect; one dead server of three adds no more than its share of the connect budget (at the start: it ${how})`, async (t) => {
    const hosts = [await dead(t), zookeeper.address, zookeeper.address].join(',');
    const budgetMs = 9000;
    const startedAt = performance.now();
    // The first one is tried first.
    const session = await Session.open(
      sessionOptions(hosts, { ttlMs: budgetMs, connectLimitMs: budgetMs, random: () => 0 }),
      never,
    );
    const ms = performance.now() - startedAt;
    await session.close();
    t.diagnostic(`${Math.round(ms)} ms`);
    assert.ok(ms < budgetMs / 3, `${ms} ms`);
  });

  test(`trap 51: DNS names re-resolved on reconnect; one dead server of three adds no more than its share of the connect budget (while the command runs: it ${how})`, async (t) => {
    const dir = await scope(t).use(tempDir('first'));
    const file = dir.join('first.cjs');
    // The servers are tried in order from a random one on: from the first.
    await writeFile(file, 'Math.random = () => 0;');
    const first = await scope(t).use(startProxy(zookeeper.address));
    const hosts = [first.address, await dead(t), zookeeper.address].join(',');
    const ttlMs = 9000;
    const options = ['-T', String(ttlMs / 1000), '-i', freshLock()];
    const it = await run(t, hosts, options, STAYS, { NODE_OPTIONS: `--require ${file}` });
    const pid = await running(it);
    assert.equal(first.connections, 1, 'it is at the first one');
    await first.refuseNew();
    first.reset();
    const said = /reconnected to ZooKeeper at (\S+) after (\d+) ms/;
    const [, where, ms] = await until(() => said.exec(it.stderr), 'it reconnects');
    t.diagnostic(`${ms} ms`);
    assert.equal(where, zookeeper.address);
    assert.ok(Number(ms) < ttlMs / 3, `${ms} ms`);
    assert.equal(alive(pid), true);
    it.kill('SIGTERM');
    assert.deepEqual(await it.exited, { code: 143, signal: null });
  });
}
