import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { Child } from '../../../src/child/child.js';
import { Guardian } from '../../../src/child/guardian/guardian.js';
import { GUARDIAN_PERL } from '../../../src/child/guardian/programs.js';
import { killAtWord } from '../../../src/child/guardian/protocol.js';
import type { IsolationLevel } from '../../../src/child/isolation.js';
import { carriesMark } from '../../../src/child/mark.js';
import { readProcess } from '../../../src/child/proc.js';
import { ProcTree } from '../../../src/child/proc-tree.js';
import { prepareStage } from '../../../src/child/stage.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { LeaseLostError } from '../../../src/util/errors.js';
import { silentLog } from '../../../src/util/log.js';
import { alive, statOf } from '../../helpers/processes.js';
import { guardianOf } from '../guardians.js';
import { atEachLevel, INLINE } from '../levels.js';
import { assertNoneLives, none, type Stage } from '../stage.js';

const forever = Number.POSITIVE_INFINITY;

async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await until(() => statOf(pid)?.state === 'T', 'it stands still');
}

/** A stage on which nothing is started yet. */
function prepared(t: TestContext, isolation: IsolationLevel) {
  const stage = prepareStage({
    isolation,
    group: 'own',
    logFormat: 'silent',
    clock: systemClock,
    log: silentLog,
  });
  t.after(() => stage.dismiss());
  return stage;
}

const touch = (stage: Stage, killAt = forever) => ({
  command: { file: 'touch', args: [stage.path('ran')] },
  env: process.env,
  killAt,
});

atEachLevel('a guardian that was killed is noticed, and the tree can be killed without it', async (stage) => {
  const { child } = await stage.tree('daemons', 3, 'deaf');
  const guardian = await guardianOf(stage.treeId);
  assert.equal(child.unguarded.aborted, false);
  process.kill(guardian, 'SIGKILL');
  await until(() => child.unguarded.aborted, 'it is noticed');
  assert.match(String(child.unguarded.reason), /^Error: the guardian, process \d+, ended \(SIGKILL\)$/);
  await child.stop('SIGTERM', none);
  assertNoneLives(stage);
  await child.exited;
});

atEachLevel(
  'the command does not outlive its guardian, even when lockex is stopped and does nothing about it',
  async (stage) => {
    const child = await stage.shell('exec sleep 60');
    process.kill(await guardianOf(stage.treeId), 'SIGKILL');
    await until(() => !alive(child.pid), 'the command is dead, although nobody has stopped it');
  },
  INLINE,
);

atEachLevel('a guardian that is stopped is noticed, and killed with the tree', async (stage) => {
  const { child } = await stage.tree('sessions', 3, 'deaf');
  const guardian = await guardianOf(stage.treeId);
  child.keep(forever);
  await freeze(guardian);
  await until(() => child.unguarded.aborted, 'it is noticed');
  assert.match(String(child.unguarded.reason), /has not answered for [\d.]+ s$/);
  await child.stop('SIGTERM', none);
  assertNoneLives(stage);
  if (stage.level !== 'walk') await until(() => !alive(guardian), 'the guardian is dead');
});

atEachLevel('a guardian that was killed before the command was started is replaced', async (stage, t) => {
  const it = prepared(t, stage.level);
  const first = await guardianOf(it.treeId);
  process.kill(first, 'SIGKILL');
  await until(() => readProcess(first) === undefined, 'it is dead and reaped');
  const child = await it.spawn({ ...touch(stage), command: { file: 'sleep', args: ['60'] } });
  t.after(() => child.stop('SIGKILL', none));
  assert.notEqual(await guardianOf(it.treeId), first);
  assert.equal(child.unguarded.aborted, false);
  await child.stop('SIGTERM', none);
});

atEachLevel(
  'an order that is read after its time starts nothing',
  async (stage, t) => {
    for (const inTime of [false, true]) {
      const it = prepared(t, stage.level);
      const guardian = await guardianOf(it.treeId);
      await freeze(guardian);
      const killAt = systemClock.now() + 100;
      // The twin: with time enough, the same order starts the command.
      const answer = it.spawn(touch(stage, inTime ? forever : killAt)).catch((error: unknown) => error);
      await until(() => systemClock.now() > killAt + 20, 'the time has passed');
      // One that is silent beyond the time of the order is given up, and killed.
      if (inTime) process.kill(guardian, 'SIGCONT');
      const said = await answer;
      assert.equal(said instanceof LeaseLostError, !inTime);
      // What is not a refusal is the child.
      if (inTime) await (said as Child).exited;
      assert.equal(readable(stage.path('ran')), inTime);
      if (inTime) await (said as Child).stop('SIGTERM', none);
    }
  },
  INLINE,
);

function readable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

atEachLevel(
  'when no renewal comes in time the guardian kills the tree, whatever lockex is at',
  async (stage) => {
    const { child } = await stage.tree('daemons', 3, 'deaf');
    child.keep(systemClock.now() + 60_000);
    // The twin: while it is renewed, nothing happens to it.
    child.keep(systemClock.now() + 300);
    child.keep(systemClock.now() + 60_000);
    const renewed = systemClock.now() + 600;
    await until(() => systemClock.now() > renewed, 'the time of the one before has passed');
    assert.equal(stage.living().length, 3);
    const killAt = systemClock.now() + 300;
    child.keep(killAt);
    await until(() => stage.living().length < 3, 'it begins to die');
    assert.ok(systemClock.now() >= killAt - 20, 'and not before its time');
    await until(() => stage.living().length === 0, 'the tree is dead');
    await child.stop('SIGTERM', none);
  },
);

atEachLevel('the guardian is not of the tree, and does not carry its mark', async (stage) => {
  const child = await stage.shell('exec sleep 60', { env: { ...process.env, LOCKEX_TREE: 'outer' } });
  const guardian = await guardianOf(stage.treeId);
  const environ = readFileSync(`/proc/${guardian}/environ`, 'latin1');
  assert.equal(carriesMark(environ, stage.treeId), false);
  assert.equal(carriesMark(readFileSync(`/proc/${child.pid}/environ`, 'latin1'), stage.treeId), true);
  const { startTime = 0 } = readProcess(child.pid) ?? {};
  const parent = stage.level === 'walk' ? undefined : guardian;
  const tree = new ProcTree(
    { pid: child.pid, startTime, ended: new AbortController().signal },
    'own',
    stage.treeId,
    parent,
  );
  const { members } = await tree.sweep();
  assert.deepEqual(
    members.map(({ pid }) => pid),
    [child.pid],
  );
});

atEachLevel('the guardian keeps nothing open that is the command’s but standard error', async (stage) => {
  await stage.shell('exec sleep 60');
  const guardian = await guardianOf(stage.treeId);
  const at = (fd: number) => readlinkSync(`/proc/${guardian}/fd/${fd}`);
  assert.deepEqual([at(0), at(1)], ['/dev/null', '/dev/null']);
  assert.match(at(3), /^socket:/);
  if (stage.level !== 'walk') assert.equal(readlinkSync(`/proc/${guardian}/cwd`), '/');
  // The socket is its way to know that lockex lives: nobody else may have the other end.
  const child = await stage.start('/bin/sh', ['-c', 'ls -l /proc/$$/fd > "$STAGE/fds"']);
  await child.exited;
  assert.doesNotMatch(stage.text('fds'), new RegExp(`${at(3).replace(/[[\]]/g, '\\$&')}`));
});

test('a guardian that cannot be started is told of, and the stage can be dismissed all the same', async () => {
  const { Guardian } = await import('../../../src/child/guardian/guardian.js');
  const guardian = new Guardian(
    { file: '/no/such/perl', args: [], env: {}, startsCommand: true, group: 'own' },
    systemClock,
  );
  await until(() => guardian.lost.aborted, 'it is told of');
  assert.match(String(guardian.lost.reason), /could not be started: .*ENOENT/);
  await guardian.dismiss();
});

test('a guardian that reads an order after its time starts nothing, and says so', async (t) => {
  const program = {
    file: '/usr/bin/perl',
    args: [GUARDIAN_PERL, process.arch, 'own', '', 'silent'],
    env: {},
  };
  const guardian = new Guardian({ ...program, startsCommand: true, group: 'own' }, systemClock);
  t.after(() => guardian.dismiss());
  const said: string[] = [];
  guardian.subscribe((report) => said.push(report.says));
  guardian.send('go', killAtWord(systemClock.now() - 100), '1', 'true', `PATH=${process.env['PATH']}`);
  await until(() => said.includes('late'), 'it says so');
  // The twin: in time, the same order is carried out.
  guardian.send('go', killAtWord(forever), '1', 'true', `PATH=${process.env['PATH']}`);
  await until(() => said.includes('gone'), 'the command was started, and has ended');
  assert.deepEqual(said, ['ready', 'late', 'started', 'ended', 'gone']);
});
