import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { alive, statOf } from '../helpers/processes.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper } from '../helpers/zookeeper.js';

test('a server of the kit serves, and leaves neither process nor file', async () => {
  const zookeeper = await startZooKeeper();
  const server = zookeeper.server();
  const pid = server.pid ?? 0;
  // The server's working directory is its own.
  const config = join('/proc', String(pid), 'cwd', 'zoo.cfg');
  try {
    assert.equal(await server.mode(), 'standalone');
    assert.ok(existsSync(config));
    assert.ok(alive(pid));
  } finally {
    await zookeeper[Symbol.asyncDispose]();
  }
  assert.equal(alive(pid), false);
  assert.equal(existsSync(config), false);
  assert.equal(await server.mode(), undefined);
});

test('a probe reads and writes what is on the server', async (t) => {
  const use = scope(t);
  const zookeeper = await use.use(startZooKeeper());
  const probe = await use.use(Probe.open(zookeeper.address));
  assert.equal(await probe.create('/a', 'text'), '/a');
  assert.equal(await probe.create('/a/n-', '', 'ephemeral-sequential'), '/a/n-0000000000');
  assert.deepEqual(await probe.children('/a'), ['n-0000000000']);
  assert.equal(await probe.data('/a'), 'text');
  assert.equal((await probe.stat('/a'))?.ephemeralOwner, 0n);
  assert.equal((await probe.stat('/a/n-0000000000'))?.ephemeralOwner, probe.sessionId);
  assert.deepEqual(await probe.acl('/a'), [{ permission: 31, scheme: 'world', id: 'anyone' }]);
  await probe.setData('/a', 'other');
  assert.equal((await probe.stat('/a'))?.version, 1);
  assert.deepEqual(await zookeeper.server().watchCount(), { connections: 0, paths: 0, total: 0 });
  await probe.remove('/a/n-0000000000');
  assert.equal(await probe.exists('/a/n-0000000000'), false);
  await assert.rejects(probe.remove('/none'), /failed to remove \/none: .*NO_NODE/);
});

test('a server keeps its data when it is killed and started again, and when it is restarted', async (t) => {
  const use = scope(t);
  const zookeeper = await use.use(startZooKeeper());
  const server = zookeeper.server();
  const before = await Probe.open(zookeeper.address);
  await before.create('/kept', 'data');
  await before.close();
  await server.kill();
  assert.equal(server.pid, undefined);
  await server.start();
  await server.restart();
  const after = await use.use(Probe.open(zookeeper.address));
  assert.equal(await after.data('/kept'), 'data');
});

test('a frozen server answers nothing until it is thawed, and ends all the same', async (t) => {
  const zookeeper = await scope(t).use(startZooKeeper());
  const server = zookeeper.server();
  await server.freeze();
  assert.equal(statOf(server.pid ?? 0)?.state, 'T');
  assert.equal(await server.mode(300), undefined);
  server.thaw();
  assert.equal(await until(() => server.mode(), 'the server answers'), 'standalone');
  await server.freeze();
  await server.stop();
  assert.equal(server.pid, undefined);
});

test('session timeouts are clamped as the options say', async (t) => {
  const use = scope(t);
  const zookeeper = await use.use(
    startZooKeeper({ tickTime: 200, minSessionTimeout: 600, maxSessionTimeout: 7000 }),
  );
  const conf = await zookeeper.server().fourLetter('conf');
  assert.match(conf, /tickTime=200\nmaxClientCnxns=0\nminSessionTimeout=600\nmaxSessionTimeout=7000\n/);
});

test('a server that cannot start says why', async () => {
  await assert.rejects(
    startZooKeeper({ config: ['tickTime=much'] }),
    /did not come up; its log ends:[\s\S]*NumberFormatException/,
  );
});

test('no server outlives a test process that is killed', async (t) => {
  const program = `
    import { startZooKeeper } from ${JSON.stringify(join(import.meta.dirname, '../helpers/zookeeper.ts'))};
    const zookeeper = await startZooKeeper();
    console.log(zookeeper.server().pid);
    await new Promise(() => setInterval(() => {}, 1000));`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', program];
  // A killed process cannot remove its directories: they are in one of ours.
  const temp = await scope(t).use(tempDir('kit'));
  const env = { ...process.env, TMPDIR: temp.path };
  const tester = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => tester.kill('SIGKILL'));
  let out = '';
  tester.stdout.on('data', (chunk) => {
    out += chunk;
  });
  const pid = Number(await until(() => out.trim(), 'the server runs'));
  assert.ok(alive(pid));
  tester.kill('SIGKILL');
  await until(() => !alive(pid), 'the server died with its test');
});
