import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { freshLock, run, running, STAYS } from '../e2e/stage.js';
import { assertOneError } from '../e2e/witness.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { OPCODE } from '../helpers/zk-frames.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

const RIGHT = 'us:correct-horse';
const WRONG = 'us:battery-staple';

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper();
  probe = await Probe.open(zookeeper.address, { digest: RIGHT });
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

/** The options for a lock of one's own, for whoever has these credentials. */
async function privately(t: TestContext, credentials: string): Promise<string[]> {
  const dir = await scope(t).use(tempDir('credentials'));
  await writeFile(dir.join('auth'), `${credentials}\n`, { mode: 0o600 });
  return ['--zk-acl', 'creator', '--zk-auth-file', dir.join('auth'), '--log-level', 'trace'];
}

/** A node's path and all below it. */
async function pathsBelow(path: string): Promise<string[]> {
  const children = await probe.children(path);
  const below = await Promise.all(children.map((child) => pathsBelow(`${path}/${child}`)));
  return [path, ...below.flat()];
}

/** What ZooKeeper keeps of a login: the name, and a digest of name and password. */
const idOf = (credentials: string) => `us:${createHash('sha1').update(credentials).digest('base64')}`;

const KINDS = [
  ['a lock', []],
  ['a reader', ['--shared']],
  ['a semaphore', ['-c', '2']],
  ['a minimum hold', ['--hold', '60']],
  ['a minimum hold of a permit', ['-c', '2', '--hold', '60']],
  ['a handover delay', ['--handover-delay', '1']],
] as const;

for (const [what, kind] of KINDS) {
  test(`trap 50: Wrong password/ACL/TLS fails fast with own exit code and never falls back to plaintext or world ACL; secrets absent from argv, logs and node data (the access list of each node of ${what}, and who has another password)`, async (t) => {
    const path = `private-${freshLock()}`;
    const lock = ['-p', `${path}/deep`, '-i', 'lock', ...kind];
    const proxy = await scope(t).use(startProxy(zookeeper.address));
    const holder = await run(t, proxy.address, [...lock, ...(await privately(t, RIGHT))], STAYS);
    await running(holder);
    // It says again who may touch its node, which is its renewal.
    const renewals = () => proxy.requests.filter(({ opcode }) => opcode === OPCODE.SET_ACL).length;
    await until(() => renewals() >= 2, 'its lease was renewed');
    const paths = await pathsBelow(`/${path}`);
    assert.ok(paths.length >= 4, `the lock, above and below it: ${paths.join(' ')}`);
    for (const each of paths) {
      assert.deepEqual(await probe.acl(each), [{ permission: 31, scheme: 'digest', id: idOf(RIGHT) }], each);
      assert.doesNotMatch(each + (await probe.data(each)), /correct-horse/);
    }
    // Far below the session timeout that is asked for: nothing is tried again that cannot help.
    const stranger = await run(
      t,
      zookeeper.address,
      ['-T', '60', ...lock, ...(await privately(t, WRONG))],
      ['echo', 'ran'],
    );
    await until(() => stranger.ended, 'it is refused');
    assert.deepEqual(stranger.ended, { code: 77, signal: null }, stranger.stderr);
    assertOneError(stranger, /does not let us contend at \/private-/);
    assert.equal(stranger.stdout, '');
    assert.deepEqual(await pathsBelow(`/${path}`), paths, 'it left nothing, open or not');
    holder.kill('SIGTERM');
    assert.deepEqual(await holder.exited, { code: 143, signal: null });
    assert.doesNotMatch(holder.stderr + stranger.stderr, /correct-horse|battery-staple/);
    assert.ok(holder.logs.some(({ level }) => level === 'debug'));
  });
}

test('trap 50: Wrong password/ACL/TLS fails fast with own exit code and never falls back to plaintext or world ACL; secrets absent from argv, logs and node data (an access list for whom nobody has logged in)', async (t) => {
  const path = `private-${freshLock()}`;
  const it = await run(t, zookeeper.address, ['-p', path, '--zk-acl', 'creator'], ['echo', 'ran']);
  assert.deepEqual(await it.exited, { code: 64, signal: null });
  assert.match(it.stderr, /--zk-auth-file/);
  assert.equal(it.stdout, '');
  assert.equal(await probe.exists(`/${path}`), false);
});

test('the twin: without an access list everybody may do everything to each node', async (t) => {
  const lock = freshLock();
  const it = await run(t, zookeeper.address, ['-p', 'open', '-i', lock], STAYS);
  await running(it);
  for (const each of await pathsBelow('/open')) {
    assert.deepEqual(await probe.acl(each), [{ permission: 31, scheme: 'world', id: 'anyone' }], each);
  }
  it.kill('SIGTERM');
  await it.exited;
});
