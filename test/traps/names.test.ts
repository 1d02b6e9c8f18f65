import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { freshLock, running, STAYS } from '../e2e/stage.js';
import { LOCKEX, Lockex, NODE_FIRST_PATH } from '../helpers/lockex.js';
import { alive } from '../helpers/processes.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

const NAME = 'zk.lockex.test';

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper();
  probe = await Probe.open(zookeeper.address);
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

/** A host on which the servers' name means what the test says, for as long as it says so. */
interface NamingHost {
  /** From now on it means this address; nothing, when none is given. */
  name(address?: string): Promise<void>;
  /** Runs the built binary there. Needs root, for the mount. */
  run(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Lockex>;
}

async function namingHost(t: TestContext): Promise<NamingHost> {
  const dir = await scope(t).use(tempDir('names'));
  const file = dir.join('hosts');
  // In place: what is mounted is this file, and not its name.
  const name = (address?: string) =>
    writeFile(file, `127.0.0.1 localhost\n${address === undefined ? '' : `${address} ${NAME}\n`}`);
  await name();
  const mount = 'mount --bind "$0" /etc/hosts && exec "$@"';
  const inside = ['-m', '--propagation', 'private', 'sh', '-c', mount, file, LOCKEX];
  return {
    name,
    run: (args, env = {}) =>
      scope(t).use(new Lockex('unshare', [...inside, ...args], { env: { PATH: NODE_FIRST_PATH, ...env } })),
  };
}

test('trap 51: DNS names re-resolved on reconnect; one dead server of three adds no more than its share of the connect budget (the name moves while the command runs)', async (t) => {
  const host = await namingHost(t);
  const lock = freshLock();
  const old = await scope(t).use(startProxy(zookeeper.address, { host: '127.0.0.2' }));
  await host.name('127.0.0.2');
  const it = await host.run(['-z', `${NAME}:${old.port}`, '-T', '10', '-i', lock, '--', ...STAYS]);
  const pid = await running(it);
  const nodes = await probe.children(`/lockex/${lock}`);
  // As a server that is moved: it is elsewhere, under the same name, and nobody answers where it was.
  const moved = await scope(t).use(startProxy(zookeeper.address, { host: '127.0.0.3', port: old.port }));
  await host.name('127.0.0.3');
  await old.refuseNew();
  old.reset();
  // At its old address it is refused.
  await until(() => it.hasLogged(`reconnected to ZooKeeper at ${NAME}:${moved.port} after`), 'it finds it');
  assert.equal(alive(pid), true);
  assert.deepEqual(await probe.children(`/lockex/${lock}`), nodes);
  it.kill('SIGTERM');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
});

test('a name that nobody can resolve any more costs no lock: its server is tried where it was', async (t) => {
  const host = await namingHost(t);
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  await host.name('127.0.0.1');
  const it = await host.run(['-z', `${NAME}:${proxy.port}`, '-T', '10', '-i', freshLock(), '--', ...STAYS]);
  const pid = await running(it);
  await host.name();
  proxy.reset();
  await until(() => it.hasLogged('reconnected to ZooKeeper'), 'it reconnects');
  assert.ok(it.hasLogged(`${NAME} could not be looked up`), it.stderr);
  assert.equal(alive(pid), true);
  it.kill('SIGTERM');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
});

test('trap 51: DNS names re-resolved on reconnect; one dead server of three adds no more than its share of the connect budget (the name comes to be while lockex connects)', async (t) => {
  const host = await namingHost(t);
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const options = ['-z', `${NAME}:${proxy.port}`, '-T', '15', '-i', freshLock(), '--log-level', 'debug'];
  const it = await host.run([...options, '--', 'echo', 'ran']);
  await until(() => /ENOTFOUND|EAI_AGAIN/.test(it.stderr), 'the name means nothing yet');
  await host.name('127.0.0.1');
  assert.deepEqual(await it.exited, { code: 0, signal: null }, it.stderr);
  assert.equal(it.stdout, 'ran\n');
});
