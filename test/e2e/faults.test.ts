import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { silentServer } from '../helpers/fake-servers.js';
import type { Lockex } from '../helpers/lockex.js';
import { alive } from '../helpers/processes.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { OPCODE } from '../helpers/zk-frames.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { freshLock, run, running, STAYS, waiting } from './stage.js';

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

const nodesOf = (lock: string) => probe.children(`/lockex/${lock}`).catch(() => []);

/** Exactly one log line of level error, and no stack trace. */
function assertOneClearLine(it: Lockex, pattern: RegExp): void {
  const errors = it.logs.filter((line) => line['level'] === 'error');
  assert.equal(errors.length, 1, it.stderr);
  assert.match(String(errors[0]?.['msg']), pattern);
  assert.doesNotMatch(it.stderr, /\n\s+at /);
}

for (const [what, address, pattern] of [
  [
    'servers that refuse',
    '127.0.0.1:1,127.0.0.1:2',
    /(127\.0\.0\.1:[12]: connect ECONNREFUSED[^;]*(; )?){2}/,
  ],
  [
    'a name that does not resolve',
    'no-such-host.invalid',
    /no-such-host\.invalid:2181: .*(ENOTFOUND|EAI_AGAIN)/,
  ],
] as const) {
  test(`${what}: a clear line, and status 69 within -T`, async (t) => {
    const it = await run(t, address, ['-T', '1'], ['true']);
    assert.deepEqual(await it.exited, { code: 69, signal: null });
    assertOneClearLine(it, pattern);
  });
}

test('with --once, a server that cannot be reached is tried once', async (t) => {
  const startedAt = performance.now();
  const it = await run(t, '127.0.0.1:1', ['-T', '60', '-n'], ['true']);
  assert.deepEqual(await it.exited, { code: 69, signal: null });
  assert.ok(performance.now() - startedAt < 30_000);
});

test('a server that accepts and never answers: status 69 within -T, or the next server is used', async (t) => {
  const silent = await scope(t).use(silentServer());
  const alone = await run(t, silent.address, ['-T', '1'], ['true']);
  assert.deepEqual(await alone.exited, { code: 69, signal: null });
  const two = await run(t, `${silent.address},${zookeeper.address}`, [], ['true']);
  assert.deepEqual(await two.exited, { code: 0, signal: null });
});

test('trap 50: Wrong password/ACL/TLS fails fast with own exit code and never falls back to plaintext or world ACL; secrets absent from argv, logs and node data (a wrong password)', async (t) => {
  const dir = await scope(t).use(tempDir('auth'));
  const [right, wrong] = [dir.join('right'), dir.join('wrong')];
  await writeFile(right, 'us:secret\n', { mode: 0o600 });
  await writeFile(wrong, 'us:guess\n', { mode: 0o600 });
  const options = (file: string) => [
    '-p',
    'private',
    '-i',
    'auth',
    '--zk-acl',
    'creator',
    '--zk-auth-file',
    file,
  ];
  const holder = await run(t, zookeeper.address, options(right), STAYS);
  await running(holder);
  const stranger = await run(t, zookeeper.address, options(wrong), ['true']);
  assert.deepEqual(await stranger.exited, { code: 77, signal: null });
  assertOneClearLine(stranger, /does not let us contend at \/private\/auth/);
  assert.doesNotMatch(holder.stderr + stranger.stderr, /secret|guess/);
});

test('trap 4: A disconnect shorter than the deadline (server restart, leader change, rolling upgrade of 3 nodes, one TCP RST) does not signal the child and keeps the same lock node and session (one TCP RST)', async (t) => {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const lock = freshLock();
  const it = await run(t, proxy.address, ['-i', lock], STAYS);
  const pid = await running(it);
  const nodes = await nodesOf(lock);
  proxy.reset();
  await until(() => it.hasLogged('reconnected to ZooKeeper'), 'it reconnects');
  assert.equal(alive(pid), true);
  assert.deepEqual(await nodesOf(lock), nodes);
  it.kill('SIGTERM');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
});

test('a silent service ends the command before anybody else can have the lock, with status 75', async (t) => {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const lock = freshLock();
  const it = await run(
    t,
    proxy.address,
    ['-i', lock, '-T', '2'],
    ['sh', '-c', `trap '' TERM; echo ready $$; while :; do sleep 0.05; done`],
  );
  const pid = await running(it);
  proxy.mode = 'blackhole';
  await until(
    async () => (await nodesOf(lock)).length === 0 || !alive(pid),
    'the command, or the node, is gone',
  );
  assert.equal(alive(pid), false);
  assert.equal((await nodesOf(lock)).length, 1, 'the node outlives the command');
  assert.deepEqual(await it.exited, { code: 75, signal: null });
  assertOneClearLine(
    it,
    /lock lost: .*acknowledged no renewal for \d+ ms.*SIGTERM to the command now, SIGKILL in \d+ ms/,
  );
});

test('an admin who deletes the lock node ends the command, with status 75', async (t) => {
  const lock = freshLock();
  const it = await run(t, zookeeper.address, ['-i', lock], STAYS);
  await running(it);
  for (const node of await nodesOf(lock)) await probe.remove(`/lockex/${lock}/${node}`);
  assert.deepEqual(await it.exited, { code: 75, signal: null });
  assertOneClearLine(it, /lock lost: somebody deleted the lock node/);
});

test("trap 38: Exit 0..255 passed exactly and within 100 ms; death by signal n gives 128+n; exec failure 127/126; lock-lost code wins over the child's code caused by our kill (somebody deletes the node)", async (t) => {
  const lock = freshLock();
  const it = await run(
    t,
    zookeeper.address,
    ['-i', lock],
    ['sh', '-c', `trap 'exit 5' TERM; echo ready $$; while :; do sleep 0.05; done`],
  );
  await running(it);
  for (const node of await nodesOf(lock)) await probe.remove(`/lockex/${lock}/${node}`);
  assert.deepEqual(await it.exited, { code: 75, signal: null });
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  const code = signal === 'SIGTERM' ? 143 : 130;

  test(`${signal} while connecting ends it at once`, async (t) => {
    const silent = await scope(t).use(silentServer());
    const it = await run(t, silent.address, ['-T', '60'], ['true']);
    await until(() => silent.accepted > 0, 'it connects');
    it.kill(signal);
    assert.deepEqual(await it.exited, { code, signal: null });
  });

  /** The requests of a first-come: nothing of each may be left when its reply never comes. */
  for (const [step, opcode] of [
    ['creating its node', OPCODE.CREATE],
    ['reading the kind of the lock', OPCODE.GET_DATA],
    ['listing the line', OPCODE.GET_CHILDREN2],
    ['confirming its ownership', OPCODE.SET_DATA],
  ] as const) {
    test(`trap 17: Timeout, SIGTERM or crash at every step of acquire (before/after create, list, watch) leaves no node behind once the session ends, and at once when connected (${signal} while ${step})`, async (t) => {
      const proxy = await scope(t).use(startProxy(zookeeper.address));
      const lock = freshLock();
      await probe.create('/lockex').catch(() => {});
      let dropped = false;
      void proxy
        .dropNextReply((request) => request.opcode === opcode, 'keep')
        .then(() => {
          dropped = true;
        });
      const it = await run(t, proxy.address, ['-i', lock, '-T', '6'], ['echo', 'ran']);
      await until(() => dropped, 'the reply is lost');
      const startedAt = performance.now();
      it.kill(signal);
      assert.deepEqual(await it.exited, { code, signal: null });
      assert.ok(performance.now() - startedAt < 5000);
      await until(async () => (await nodesOf(lock)).length === 0, 'no node is left');
      assert.equal(it.stdout, '');
    });
  }

  test(`trap 30: Signals while waiting end promptly (<1 s) and remove our node; shutdown racing the grant never starts the child (consul #800/#1155) (${signal} in line)`, async (t) => {
    const lock = freshLock();
    const holder = await run(t, zookeeper.address, ['-i', lock], STAYS);
    await running(holder);
    const it = await run(t, zookeeper.address, ['-i', lock], STAYS);
    await waiting(it);
    const toldAt = performance.now();
    it.kill(signal);
    assert.deepEqual(await it.exited, { code, signal: null });
    const ms = performance.now() - toldAt;
    assert.ok(ms < 1000, `${ms} ms`);
    assert.equal((await nodesOf(lock)).length, 1);
    assert.equal(it.stdout, '');
  });
}

test('SIGTERM while waiting ends it within a second or so, also when no server answers', async (t) => {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const lock = freshLock();
  const holder = await run(t, zookeeper.address, ['-i', lock], STAYS);
  await running(holder);
  const it = await run(t, proxy.address, ['-i', lock, '-T', '10'], STAYS);
  await waiting(it);
  proxy.mode = 'blackhole';
  const startedAt = performance.now();
  it.kill('SIGTERM');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
  assert.ok(performance.now() - startedAt < 5000);
  assert.equal(it.stdout, '');
});

test('a waiter whose session ends gives up with 69, and with -r -1 takes a new place', async (t) => {
  const proxy = await scope(t).use(startProxy(zookeeper.address));
  const lock = freshLock();
  const holder = await run(t, zookeeper.address, ['-i', lock], STAYS);
  await running(holder);
  const once = await run(t, proxy.address, ['-i', lock, '-T', '1'], STAYS);
  const always = await run(t, proxy.address, ['-i', lock, '-T', '1', '-r', '-1'], STAYS);
  await Promise.all([waiting(once), waiting(always)]);
  proxy.mode = 'blackhole';
  assert.deepEqual(await once.exited, { code: 69, signal: null });
  await until(() => always.hasLogged('taking a new one'), 'the other one tries again');
  proxy.mode = 'pass';
  proxy.reset();
  await until(async () => (await nodesOf(lock)).length === 2, 'it has a new place');
  holder.kill('SIGTERM');
  await running(always);
});
