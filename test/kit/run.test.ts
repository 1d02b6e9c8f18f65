import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { jsonLines, lockex } from '../helpers/lockex.js';
import { freePort } from '../helpers/ports.js';
import { alive, childrenOf, descendants, processesWithEnv, statOf } from '../helpers/processes.js';
import { cleanEnv, Run } from '../helpers/run.js';
import { Scope, scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';

test('a run has its input, both outputs and the exit status whole when it has ended', async (t) => {
  const run = await scope(t).use(
    new Run('sh', ['-c', 'cat; echo "$X" >&2; exit 3'], { input: 'in\0put', env: { X: 'variable' } }),
  );
  assert.deepEqual(await run.exited, { code: 3, signal: null });
  assert.deepEqual([run.stdout, run.stderr], ['in\0put', 'variable\n']);
});

test('a run reads as much as a pipe can hold after the end', async (t) => {
  const run = await scope(t).use(
    new Run('sh', ['-c', 'head -c 60000 /dev/zero; head -c 60000 /dev/zero >&2']),
  );
  await run.exited;
  assert.deepEqual([run.stdoutBytes.length, run.stderr.length], [60_000, 60_000]);
});

test('a run leads a session of its own and has no terminal', async (t) => {
  const run = await scope(t).use(
    new Run('sh', ['-c', 'cut -d" " -f6,7 /proc/$$/stat; echo $$; kill -USR1 $$']),
  );
  assert.deepEqual(await run.exited, { code: null, signal: 'SIGUSR1' });
  assert.equal(run.stdout, `${run.pid} 0\n${run.pid}\n`);
});

test('the environment of a run has nothing of ours from outside', () => {
  process.env['LOCKEX_KIT_TEST'] = 'x';
  try {
    assert.equal('LOCKEX_KIT_TEST' in cleanEnv(), false);
    assert.equal(cleanEnv({ LOCKEX_KIT_TEST: 'y' })['LOCKEX_KIT_TEST'], 'y');
    assert.equal(cleanEnv()['HOME'], process.env['HOME']);
  } finally {
    delete process.env['LOCKEX_KIT_TEST'];
  }
});

test('disposing of a run kills its whole tree, those that went off into a session of their own too', async () => {
  const run = new Run('sh', ['-c', 'setsid sleep 100 & sleep 100']);
  try {
    const pids = await until(() => run.tree().length === 3 && run.tree(), 'the tree stands');
    assert.deepEqual(descendants(run.pid).length, 2);
    assert.deepEqual(childrenOf(run.pid).sort(), descendants(run.pid).sort());
    await run[Symbol.asyncDispose]();
    assert.deepEqual(pids.filter(alive), []);
  } finally {
    await run[Symbol.asyncDispose]();
  }
});

test('a stray that outlives a run is named, and killed', async () => {
  const run = new Run('sh', ['-c', 'setsid sleep 77 >/dev/null 2>&1 </dev/null &']);
  assert.deepEqual(await run.exited, { code: 0, signal: null });
  await assert.rejects(run.expectNoStray(50), /still alive: \d+ \(S: sleep 77\)/);
  await assert.rejects(run[Symbol.asyncDispose](), /still alive: \d+ \(S: sleep 77\)/);
  assert.deepEqual(processesWithEnv(run.mark), []);
});

test('a zombie is not alive', async (t) => {
  // It waits for no child; a shell would now and then have reaped it before it became another program.
  const script = '$| = 1; my $child = fork; exit if !$child; print "$child\\n"; sleep 100';
  const run = await scope(t).use(new Run('perl', ['-e', script]));
  const pid = Number(await until(() => run.stdout.trim(), 'the child is started'));
  await until(() => statOf(pid)?.state === 'Z', 'it is a zombie');
  assert.equal(alive(pid), false);
  assert.deepEqual(childrenOf(run.pid), []);
});

test('a scope ends everything in reverse order, and tells what failed', async () => {
  const order: string[] = [];
  const it = new Scope();
  const thing = (name: string, fails: boolean) => ({
    async [Symbol.asyncDispose]() {
      order.push(name);
      if (fails) throw new Error(`${name} failed`);
    },
  });
  await it.use(thing('first', false));
  await it.use(thing('second', true));
  await it.use(thing('third', false));
  await assert.rejects(it.end(), /second failed/);
  assert.deepEqual(order, ['third', 'second', 'first']);
});

test('ports are given once', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
  assert.equal(new Set(ports).size, 50);
});

test('a temporary directory goes with all it holds', async () => {
  const dir = await tempDir('kit');
  assert.ok(existsSync(dir.path));
  assert.equal(dir.join('a', 'b'), `${dir.path}/a/b`);
  await dir[Symbol.asyncDispose]();
  assert.equal(existsSync(dir.path), false);
});

test('log lines are read as far as they are whole', () => {
  assert.deepEqual(jsonLines('{"msg":"one"}\nplain text\n{broken\n{"msg":"half"'), [{ msg: 'one' }]);
});

test('the built binary runs with its log lines read', async (t) => {
  const dir = await scope(t).use(tempDir('kit'));
  const run = await scope(t).use(
    lockex(['--url', `file://${dir.path}`, '-i', 'kit', '--', 'sh', '-c', 'echo "$LOCKEX_LOCK_ID"; exit 3']),
  );
  assert.deepEqual(await run.exited, { code: 3, signal: null });
  assert.equal(run.stdout, 'kit\n');
  assert.ok(run.hasLogged('acquired the lock'), run.stderr);
});
