import assert from 'node:assert/strict';
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { openSession } from '../backend/zookeeper/kit.js';
import { treeBelow } from '../backend/zookeeper/tree.js';
import { silentServer } from '../helpers/fake-servers.js';
import { LOCKEX, type Lockex, lockex } from '../helpers/lockex.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock, run } from './stage.js';

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

/** A command that shows what `lockex verify` would ask for it, and stays. */
const SHOWS = ['sh', '-c', 'echo "$LOCKEX_VERIFY"; exec sleep 300'];

/** What the command of this run was handed. */
function evidenceOf(it: Lockex): Promise<string> {
  return until(() => /^(\{.*\})\n/.exec(it.stdout)?.[1], 'the command runs');
}

/** Runs `lockex verify` as the command that was handed this would, to its end. */
async function verify(t: TestContext, evidence: string, options: readonly string[] = []) {
  const it = await scope(t).use(lockex(['verify', ...options], { env: { LOCKEX_VERIFY: evidence } }));
  const { code } = await it.exited;
  return { code, stdout: it.stdout, stderr: it.stderr };
}

const OURS = { code: 0, stdout: '', stderr: '' };
const NOT_OURS = { code: 75, stdout: '', stderr: 'lockex: verify: the lock is not ours any more\n' };

async function cannotTell(t: TestContext, evidence: string, options: readonly string[], why: RegExp) {
  const { code, stdout, stderr } = await verify(t, evidence, options);
  assert.deepEqual([code, stdout], [75, '']);
  assert.match(stderr, /^lockex: verify: it cannot be confirmed that the lock is still ours: .*\n$/);
  assert.match(stderr, why);
}

const nodesOf = (lock: string) => probe.children(`/lockex/${lock}`).catch(() => []);

test('in a script, lockex verify says yes by status 0 while the lock is ours, and not a word', async (t) => {
  const script = `'${LOCKEX}' verify && echo "dangerous step"`;
  const it = await run(t, zookeeper.address, ['-q'], ['sh', '-c', script]);
  assert.deepEqual(await it.exited, { code: 0, signal: null });
  assert.deepEqual([it.stdout, it.stderr], ['dangerous step\n', '']);
});

for (const [what, options] of [
  ['lock', []],
  ['permit of a semaphore', ['-c', '3']],
  ["reader's lock", ['--shared']],
] as const) {
  test(`a ${what}: yes while it is held, no once another has it, and nothing is made by asking`, async (t) => {
    const all = ['-i', freshLock(), ...options];
    await using admin = await openSession(zookeeper.address);
    const first = await run(t, zookeeper.address, all, SHOWS);
    const evidence = await evidenceOf(first);
    const nodes = await treeBelow(admin, '');
    assert.deepEqual(await verify(t, evidence), OURS);
    assert.deepEqual(await treeBelow(admin, ''), nodes);
    first.kill('SIGTERM');
    await first.exited;
    assert.deepEqual(await verify(t, evidence), NOT_OURS, 'given back');
    const second = await run(t, zookeeper.address, all, SHOWS);
    const evidenceOfSecond = await evidenceOf(second);
    assert.deepEqual(await verify(t, evidence), NOT_OURS, 'a later holder’s');
    assert.deepEqual(await verify(t, evidenceOfSecond), OURS);
  });
}

test('once an admin has deleted the node, it says no', async (t) => {
  const lock = freshLock();
  const it = await run(t, zookeeper.address, ['-i', lock], SHOWS);
  const evidence = await evidenceOf(it);
  const [node] = await nodesOf(lock);
  await probe.remove(`/lockex/${lock}/${node}`);
  assert.deepEqual(await verify(t, evidence), NOT_OURS);
  assert.deepEqual(await it.exited, { code: 75, signal: null });
});

test('a node of the same name that somebody made anew is not ours', async (t) => {
  const lock = freshLock();
  const it = await run(t, zookeeper.address, ['-i', lock], SHOWS);
  const evidence = await evidenceOf(it);
  const { node } = JSON.parse(evidence);
  await probe.remove(node);
  await it.exited;
  await probe.create(`/lockex/${lock}`);
  await probe.create(node, '', 'ephemeral');
  assert.deepEqual(await verify(t, evidence), NOT_OURS);
  await probe.remove(node);
  await probe.remove(`/lockex/${lock}`);
});

test('once the session has expired, it says no', async (t) => {
  const lock = freshLock();
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const it = await run(t, proxy.address, ['-i', lock], SHOWS);
  const evidence = (await evidenceOf(it)).replace(proxy.address, zookeeper.address);
  proxy.mode = 'blackhole';
  assert.deepEqual(await verify(t, evidence), OURS, 'not yet expired');
  await until(async () => (await nodesOf(lock)).length === 0, 'the session has expired');
  assert.deepEqual(await verify(t, evidence), NOT_OURS);
});

test('no server, or a silent one: it cannot be confirmed, within the limit', async (t) => {
  const on = scope(t);
  const it = await run(t, zookeeper.address, ['-i', freshLock()], SHOWS);
  const evidence = await evidenceOf(it);
  const proxy = await on.use(startProxy(zookeeper.address));
  const throughProxy = evidence.replace(zookeeper.address, proxy.address);
  assert.deepEqual(await verify(t, throughProxy), OURS);
  proxy.mode = 'blackhole';
  const silent = await on.use(silentServer());
  const startedAt = performance.now();
  await cannotTell(t, throughProxy, ['-T', '0.5'], /no answer within 0\.5 s|no ZooKeeper session/);
  await cannotTell(t, evidence.replace(zookeeper.address, silent.address), ['-T', '0.5'], /no /);
  await cannotTell(t, evidence.replace(zookeeper.address, '127.0.0.1:1'), ['-T', '0.5'], /ECONNREFUSED/);
  assert.ok(performance.now() - startedAt < 10_000, 'three times half a second, and what three starts take');
  await cannotTell(t, evidence.replace(zookeeper.address, '127.0.0.1:1'), [], /ECONNREFUSED/);
  assert.ok(performance.now() - startedAt < 20_000, 'without -T, 5 seconds');
});

test('outside of a run it ends with status 64, and with -q without a word', async (t) => {
  const alone = await scope(t).use(lockex(['verify']));
  assert.deepEqual(await alone.exited, { code: 64, signal: null });
  assert.equal(alone.stdout, '');
  assert.match(alone.stderr, /^lockex: verify: expected to be called by a command of lockex, got .*\n$/);
  const quiet = await scope(t).use(lockex(['-q', 'verify']));
  assert.deepEqual(await quiet.exited, { code: 64, signal: null });
  assert.equal(quiet.stdout + quiet.stderr, '');
});

test('-q silences the no as well', async (t) => {
  const it = await run(t, zookeeper.address, ['-i', freshLock()], SHOWS);
  const evidence = await evidenceOf(it);
  it.kill('SIGTERM');
  await it.exited;
  assert.deepEqual(await verify(t, evidence, ['-q']), { ...NOT_OURS, stderr: '' });
});

test('SIGTERM ends it while it waits for an answer', async (t) => {
  const silent = await scope(t).use(silentServer());
  const evidence = JSON.stringify({
    url: `zk://${silent.address}`,
    node: '/x/y',
    session: '0x1',
    token: '1',
  });
  const options = { env: { LOCKEX_VERIFY: evidence } };
  const it = await scope(t).use(lockex(['verify', '-T', '60'], options));
  await until(() => silent.accepted > 0, 'it has connected');
  it.kill('SIGTERM');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
});

test('a command that is called verify is run after --', async (t) => {
  const dir = await scope(t).use(tempDir('verify'));
  const it = await scope(t).use(lockex(['-q', '--url', `file://${dir.path}`, '--', 'verify', '--help']));
  assert.deepEqual(await it.exited, { code: 127, signal: null });
});

for (const options of [[], ['--shared'], ['-c', '2']]) {
  test(`a lock in files ${options.join(' ')}: yes while it is held, no once it is not`, async (t) => {
    const on = scope(t);
    const dir = await on.use(tempDir('verify'));
    const start = () =>
      on.use(lockex(['--url', `file://${dir.path}`, '-i', 'x', ...options, '--', ...SHOWS]));
    const first = await start();
    const evidence = await evidenceOf(first);
    assert.deepEqual(await verify(t, evidence), OURS);
    first.kill('SIGTERM');
    await first.exited;
    assert.deepEqual(await verify(t, evidence), NOT_OURS, 'given back');
    const second = await start();
    await evidenceOf(second);
    assert.deepEqual(await verify(t, evidence), NOT_OURS, 'a later holder’s');
    const [lock = ''] = readdirSync(dir.path);
    renameSync(dir.join(lock), dir.join('away'));
    assert.deepEqual(await verify(t, await evidenceOf(second)), NOT_OURS, 'the files are gone');
    await second.exited;
    rmSync(dir.path, { recursive: true });
    await cannotTell(t, evidence, [], /there is no directory/);
  });
}
