import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { openSession, playServer } from '../backend/zookeeper/kit.js';
import { preload } from '../e2e/preload.js';
import { freshLock, run, waiting } from '../e2e/stage.js';
import { assertGone, assertOneError, hold, holderOf, takesOver, witness } from '../e2e/witness.js';
import { silentServer } from '../helpers/fake-servers.js';
import { alive } from '../helpers/processes.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { decodeRequest, FrameSplitter, OPCODE, reply } from '../helpers/zk-frames.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

test('trap 5: A server that accepts TCP but never answers the connect request is abandoned in time for another server to be tried before the deadline', async (t) => {
  const first = await scope(t).use(startProxy(zookeeper.address));
  const silent = await scope(t).use(silentServer());
  const ttlMs = 6000;
  await using session = await openSession(`${first.address},${silent.address},${zookeeper.address}`, {
    ttlMs,
  });
  const { id } = session;
  const lostAt = performance.now();
  await first.refuseNew();
  first.reset();
  await until(() => !session.isConnected, 'disconnected');
  await session.connected();
  const ms = performance.now() - lostAt;
  t.diagnostic(`connected again after ${Math.round(ms)} ms of ${ttlMs}`);
  assert.equal(silent.accepted, 1, 'the silent one was tried');
  // The stop of a command would begin 29/60 of the timeout after the last renewal, less one renewal's time.
  assert.ok(ms < (ttlMs * 24) / 60, `${ms} ms`);
  assert.equal(session.id, id);
});

for (const hours of [1, -1]) {
  test(`trap 7: System clock jumps (±1 h) neither kill nor prolong; a monotonic clock is used (${hours} h)`, async (t) => {
    const proxy = await scope(t).use(startProxy(zookeeper.address));
    const lock = ['-i', freshLock(), '-T', '4'];
    const command = await witness(t);
    const jump = await preload(
      t,
      `const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...args) { super(...(args.length ? args : [Real.now() + ${hours} * 3600e3])); }
      static now() { return Real.now() + ${hours} * 3600e3; }
    };`,
    );
    const first = await holderOf(await run(t, proxy.address, lock, command, jump.env));
    const second = await run(t, zookeeper.address, lock, command);
    await waiting(second);
    await jump.spring();
    const jumpedAt = performance.now();
    await until(() => performance.now() - jumpedAt > 3000, 'more than a session timeout goes by');
    assert.deepEqual(first.tree.filter(alive), first.tree);
    assert.equal(first.it.hasLogged('lock lost'), false);
    proxy.mode = 'blackhole';
    await takesOver(second, first);
    assert.deepEqual(await first.it.exited, { code: 75, signal: null });
    assertOneError(first.it, /acknowledged no renewal for \d{3,4} ms/);
    const told = first.it.logs.find((line) => line['level'] === 'error')?.['time'];
    const aside = (Date.parse(String(told)) - Date.now()) / 3_600_000;
    assert.equal(Math.round(aside), hours, 'its date did jump');
    await assertGone(first);
  });
}

test('trap 12: Expired session, AUTH_FAILED and an admin\'s deletion of the lock node are each treated as loss, with a distinct message and the "lost" exit code (AUTH_FAILED)', async (t) => {
  let first: { destroy(): void } | undefined;
  // Passes all on, until it is asked for credentials by the second connection.
  const gate = await scope(t).use(
    playServer((client, number) => {
      const server = connect(Number(zookeeper.address.split(':')[1]), '127.0.0.1');
      server.on('error', () => client.destroy());
      client.on('close', () => server.destroy());
      server.pipe(client);
      if (number === 1) {
        first = client;
        client.pipe(server);
        return;
      }
      const splitter = new FrameSplitter();
      let greeted = false;
      client.on('data', (chunk) => {
        for (const bytes of splitter.push(chunk).frames) {
          if (greeted && decodeRequest(bytes).opcode === OPCODE.AUTH) client.end(reply(-4, -115));
          else server.write(bytes);
          greeted = true;
        }
      });
    }),
  );
  const dir = await scope(t).use(tempDir('auth'));
  await writeFile(dir.join('auth'), 'us:secret\n', { mode: 0o600 });
  const lock = ['-i', freshLock(), '-T', '10', '--zk-auth-file', dir.join('auth')];
  const command = await witness(t);
  const holder = await hold(t, gate.address, lock, command);
  const second = await run(t, zookeeper.address, lock, command);
  await waiting(second);
  first?.destroy();
  await takesOver(second, holder);
  assert.deepEqual(await holder.it.exited, { code: 75, signal: null });
  assertOneError(holder.it, /lock lost: .*credentials/);
  await assertGone(holder);
});

test('trap 54: An uncaught error in the supervisor kills the tree before exit', async (t) => {
  const lock = ['-i', freshLock(), '-T', '10'];
  const command = await witness(t);
  const bug = await preload(t, `throw new Error('made by a test');`);
  const first = await holderOf(await run(t, zookeeper.address, lock, command, bug.env));
  const second = await run(t, zookeeper.address, lock, command);
  await waiting(second);
  await bug.spring();
  assert.deepEqual(await first.it.exited, { code: 70, signal: null });
  assert.deepEqual(first.tree.filter(alive), []);
  assertOneError(first.it, /a bug in lockex, please report it: made by a test/);
  await takesOver(second, first);
  await assertGone(first);
});

for (const [what, code] of [
  ['a rejection that nobody handles', `Promise.reject(new Error('made by a test'));`],
  ['an abort of Node itself', 'process.abort();'],
  ['an exit in the middle of it', 'process.reallyExit(3);'],
] as const) {
  test(`${what}: the tree is dead before the next one starts`, async (t) => {
    const lock = ['-i', freshLock(), '-T', '10'];
    const command = await witness(t);
    const bug = await preload(t, code);
    const first = await holderOf(await run(t, zookeeper.address, lock, command, bug.env));
    const second = await run(t, zookeeper.address, lock, command);
    await waiting(second);
    await bug.spring();
    await takesOver(second, first);
    await assertGone(first);
    assert.ok((await first.it.exited).code !== 0);
  });
}

test('the twin: with nobody to hear of the error, and the guardian stopped, the tree lives on', async (t) => {
  const lock = ['-i', freshLock(), '-T', '4', '--isolation', 'walk'];
  const command = await witness(t);
  const bug = await preload(
    t,
    `process.removeAllListeners('uncaughtException'); throw new Error('made by a test');`,
  );
  const first = await holderOf(await run(t, zookeeper.address, lock, command, bug.env));
  process.kill(first.guardian, 'SIGSTOP');
  await bug.spring();
  assert.notEqual((await first.it.exited).code, 0);
  assert.deepEqual(first.tree.filter(alive), first.tree);
  process.kill(first.guardian, 'SIGCONT');
  await until(() => first.tree.filter(alive).length === 0, 'the guardian ends it');
  await assertGone(first);
});
