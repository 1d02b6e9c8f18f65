import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { hostname } from 'node:os';
import { after, before, type TestContext, test } from 'node:test';
import { run, running, STAYS, waiting } from '../e2e/stage.js';
import { LOCKEX, Lockex, NODE_FIRST_PATH } from '../helpers/lockex.js';
import { scope } from '../helpers/scope.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

let zookeeper: ZooKeeper;
let probe: Probe;
before(async () => {
  zookeeper = await startZooKeeper();
  probe = await Probe.open(zookeeper.address);
  await probe.create('/lockex');
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await zookeeper[Symbol.asyncDispose]();
});

/** The id that coreutils come to for these words, each followed by NUL: a runtime that is not ours. */
function idByShell(words: readonly string[]): string {
  const script = 'for word; do printf \'%s\\0\' "$word"; done | sha256sum';
  return execFileSync('sh', ['-c', script, 'id', ...words], { encoding: 'utf8' }).slice(0, 64);
}

/** A command that tells the id of its lock, and what it was given. */
const tells = (...args: string[]) => ['sh', '-c', 'echo $LOCKEX_LOCK_ID $#', 'tells', ...args];

/** What a run of the command says of its lock's id on a host of this name. Needs root. */
async function idOn(t: TestContext, host: string, command: readonly string[], env = {}): Promise<string> {
  const script = 'hostname "$1"; shift; exec "$@"';
  const line = [LOCKEX, '-z', zookeeper.address, '-T', '4', '--', ...command];
  const it = await scope(t).use(
    new Lockex('unshare', ['--uts', 'sh', '-c', script, 'host', host, ...line], {
      env: { PATH: NODE_FIRST_PATH, ...env },
    }),
  );
  assert.deepEqual(await it.exited, { code: 0, signal: null }, it.stderr);
  return it.stdout.split(' ')[0] ?? '';
}

test("trap 28: Two processes on one host, same command, never share identity; the default lock id of equal argv is equal on all hosts and runtimes (lockex bug) and differs for `a b` vs `'a b'` (identity)", async (t) => {
  const first = await run(t, zookeeper.address, [], STAYS);
  const pid = await running(first);
  const second = await run(t, zookeeper.address, [], STAYS);
  await waiting(second);
  const line = `/lockex/${idByShell(STAYS)}`;
  const names = await probe.children(line);
  const identities = await Promise.all(names.map((name) => probe.data(`${line}/${name}`)));
  assert.equal(new Set(names.map((name) => name.slice(0, 32))).size, 2, 'the random part');
  assert.deepEqual(
    identities.map((text) => text.split(' ')[0]).sort(),
    [first.pid, second.pid].map((each) => `${hostname()}:${each}`).sort(),
  );
  const owners = await Promise.all(names.map((name) => probe.stat(`${line}/${name}`)));
  assert.equal(new Set(owners.map((stat) => stat?.ephemeralOwner)).size, 2, 'the session');
  // So that the end of the one that waits does not take the lock from the other.
  second.kill('SIGTERM');
  await second.exited;
  assert.equal((await probe.children(line)).length, 1);
  process.kill(pid, 0);
  first.kill('SIGTERM');
  assert.deepEqual(await first.exited, { code: 143, signal: null }, first.stderr);
});

test("trap 28: Two processes on one host, same command, never share identity; the default lock id of equal argv is equal on all hosts and runtimes (lockex bug) and differs for `a b` vs `'a b'` (hosts and runtimes)", async (t) => {
  const command = tells('über', '', ' ');
  const ids = await Promise.all([
    idOn(t, 'one.example', command, { LANG: 'C' }),
    idOn(t, 'two', command, { LANG: 'de_DE.UTF-8', TZ: 'Asia/Tokyo', PYTHONHASHSEED: 'random' }),
  ]);
  const id = idByShell(command);
  assert.deepEqual(ids, [id, id]);
});

test("trap 28: Two processes on one host, same command, never share identity; the default lock id of equal argv is equal on all hosts and runtimes (lockex bug) and differs for `a b` vs `'a b'` (words)", async (t) => {
  const ids: string[] = [];
  for (const command of [tells('a', 'b'), tells('a b'), tells('a', 'b', '')]) {
    const it = await run(t, zookeeper.address, [], command);
    assert.deepEqual(await it.exited, { code: 0, signal: null }, it.stderr);
    const [id = '', count] = it.stdout.trim().split(' ');
    assert.equal(Number(count), command.length - 4);
    assert.equal(id, idByShell(command));
    ids.push(id);
  }
  assert.equal(new Set(ids).size, ids.length);
  const joined = (words: readonly string[]) => idByShell([words.join(' ')]);
  assert.equal(joined(tells('a', 'b')), joined(tells('a b')), 'the twin: joined by blanks they are one');
});
