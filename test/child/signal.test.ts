import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import type { SignalName } from '../../src/child/child.js';
import { readProcess } from '../../src/child/proc.js';
import { ProcTree } from '../../src/child/proc-tree.js';
import { send } from '../../src/child/send.js';
import { until } from '../../src/testing/until.js';
import { randomId } from '../../src/util/random-id.js';
import { atEachLevel } from './levels.js';
import { none, type Stage } from './stage.js';

const FORWARDED: readonly SignalName[] = [
  ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGTSTP'] as const),
];

/** Forwards each signal in turn, and returns who heard what. */
async function heard(stage: Stage, signal: (name: SignalName) => void, listeners: number): Promise<string[]> {
  const lines = () => stage.text('pids.heard').split('\n').filter(Boolean);
  for (const [i, name] of FORWARDED.entries()) {
    signal(name);
    await until(() => lines().length >= (i + 1) * listeners, `${name} arrived ${listeners} times`);
  }
  return lines().sort();
}

function expected(pids: readonly number[]): string[] {
  return pids.flatMap((pid) => FORWARDED.map((name) => `${pid} ${name}`)).sort();
}

atEachLevel('lockex hands a signal on to every process of the command’s group, once each', async (stage) => {
  const { child, pids } = await stage.tree('flat', 3, 'tell');
  assert.deepEqual(await heard(stage, (name) => child.signal(name), 3), expected(pids));
});

atEachLevel(
  'what went off into a session of its own is not in the command’s group, and hears nothing',
  async (stage) => {
    const { child } = await stage.tree('sessions', 3, 'tell');
    assert.deepEqual(await heard(stage, (name) => child.signal(name), 1), expected([child.pid]));
  },
);

atEachLevel(
  'in a group that is shared, each process of the tree hears a signal once, and lockex does not',
  async (stage, t) => {
    const own: string[] = [];
    for (const name of FORWARDED) {
      const listener = () => own.push(name);
      process.on(name, listener);
      t.after(() => process.off(name, listener));
    }
    const bystander = await stage.shell('exec sleep 60', { group: 'shared' });
    const { child, pids } = await stage.tree('flat', 3, 'tell', { group: 'shared' });
    assert.deepEqual(await heard(stage, (name) => child.signal(name), 3), expected(pids));
    await child.stop('SIGTERM', none);
    assert.deepEqual(own, []);
    assert.ok(readProcess(bystander.pid), 'nor does another process of the group');
  },
);

atEachLevel('what the command left behind still hears signals', async (stage) => {
  const { child, pids } = await stage.tree('leave', 4, 'tell');
  await child.exited;
  assert.deepEqual(await heard(stage, (name) => child.signal(name), 3), expected(pids));
});

/** A process that has nothing to do with the tree, but has the number that the tree's command once had. */
async function stranger(t: TestContext): Promise<{ pid: number; process: ChildProcess; startTime: number }> {
  const process = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  t.after(() => process.kill('SIGKILL'));
  await once(process, 'spawn');
  const facts = readProcess(process.pid ?? 0);
  assert.ok(facts);
  return { pid: facts.pid, process, startTime: facts.startTime };
}

test('no signal goes to the number of a command that has been reaped', async (t) => {
  const { pid, startTime, process } = await stranger(t);
  const leader = { pid, startTime: startTime - 1, ended: AbortSignal.abort() };
  for (const group of ['own', 'shared'] as const) {
    const tree = new ProcTree(leader, group, randomId());
    tree.forward('SIGKILL');
    const pass = await tree.sweep('SIGKILL');
    assert.deepEqual(pass.members, []);
    // Others on the host may be between two programs just now; this one is not.
    assert.ok(!pass.undecided.some((one) => one.pid === pid));
  }
  assert.notEqual(readProcess(pid)?.state, 'Z');
  assert.equal(process.signalCode, null);

  // The twin: were the end of the command not remembered, the stranger would be killed in its place.
  new ProcTree({ ...leader, ended: new AbortController().signal }, 'own', randomId()).forward('SIGKILL');
  await once(process, 'exit');
  assert.equal(process.signalCode, 'SIGKILL');
});

test('no signal ever goes to the group of lockex, to process 1 or to everybody', () => {
  for (const target of [0, -0, 1, -1, Number.NaN, 1.5]) {
    assert.throws(() => send(target, 'SIGTERM'), RangeError, String(target));
  }
});
