import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SignalName } from '../../src/child/child.js';
import { endTree } from '../../src/child/end-tree.js';
import type { Member, Pass, Tree } from '../../src/child/tree.js';
import { until } from '../../src/testing/until.js';
import type { Log } from '../../src/util/log.js';
import { silentLog } from '../../src/util/log.js';
import { ManualClock } from '../helpers/manual-clock.js';

/** A tree that a test makes up. */
class FakeTree implements Tree {
  rehearse(): void {}

  readonly sent: SignalName[] = [];
  passes = 0;
  find: () => Pass = () => ({ members: [], undecided: [] });

  forward(): void {}

  async sweep(...signals: readonly SignalName[]): Promise<Pass> {
    this.passes += 1;
    this.sent.push(...signals);
    return this.find();
  }
}

const STUCK: Member = { pid: 4711, startTime: 1, state: 'D', command: 'tar\u001b[2J' };
const aborted = AbortSignal.abort();

function warnings(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { lines, log: { ...silentLog, warn: (_fields, message) => void lines.push(message) } };
}

/** Lets time pass in small steps until the condition holds; what waits gets its turn between them. */
async function pass(clock: ManualClock, condition: () => boolean, what: string): Promise<void> {
  for (let step = 0; step < 10_000 && !condition(); step += 1) {
    clock.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(condition(), what);
}

function ending(
  tree: Tree,
  clock: ManualClock,
  hurry: AbortSignal,
  ended: AbortSignal,
  log: Log = silentLog,
) {
  return endTree({ tree, stopSignal: 'SIGTERM', ended, hurry, clock, log });
}

test('lockex says every three seconds which processes it cannot kill, and goes on', async () => {
  const [tree, clock, { log, lines }] = [new FakeTree(), new ManualClock(), warnings()];
  tree.find = () => ({ members: [STUCK], undecided: [] });
  let over = false;
  const gone = ending(tree, clock, aborted, aborted, log).then(() => {
    over = true;
  });

  await pass(clock, () => lines.length === 1, 'the first complaint');
  assert.ok(clock.now() >= 3000 && clock.now() < 3200, `at ${clock.now()}`);
  assert.match(lines[0] ?? '', /lock is kept: 4711 tar\?\[2J \(state D: waits in the kernel/);
  await pass(clock, () => lines.length === 2, 'the second complaint');
  assert.ok(clock.now() >= 6000 && clock.now() < 6400, `at ${clock.now()}`);

  tree.find = () => ({ members: [], undecided: [] });
  await pass(clock, () => over, 'the end');
  await gone;
  assert.deepEqual(new Set(tree.sent), new Set(['SIGKILL']));
});

test('a look that fails proves nothing: lockex says so, and looks again', async () => {
  const [tree, clock, { log, lines }] = [new FakeTree(), new ManualClock(), warnings()];
  tree.find = () => {
    throw new Error('EMFILE: too many open files');
  };
  let over = false;
  const gone = ending(tree, clock, aborted, aborted, log).then(() => {
    over = true;
  });
  await pass(clock, () => lines.length === 1, 'the complaint');
  assert.match(lines[0] ?? '', /cannot be listed \(EMFILE/);
  assert.equal(over, false);
  tree.find = () => ({ members: [], undecided: [] });
  await pass(clock, () => over, 'the end');
  await gone;
});

test('lockex sends the stop signal once, and then does not look before the command ends or patience does', async () => {
  const [tree, clock, ended] = [new FakeTree(), new ManualClock(), new AbortController()];
  tree.find = () => ({ members: [STUCK], undecided: [] });
  const gone = ending(tree, clock, new AbortController().signal, ended.signal);
  await until(() => tree.passes === 1, 'the first pass');
  clock.advance(60_000);
  assert.equal(tree.passes, 1);
  assert.deepEqual(tree.sent, ['SIGTERM', 'SIGCONT']);

  tree.find = () => ({ members: [], undecided: [] });
  ended.abort();
  let over = false;
  void gone.then(() => {
    over = true;
  });
  await pass(clock, () => over, 'the end');
  assert.deepEqual(tree.sent, ['SIGTERM', 'SIGCONT'], 'nothing was killed');
});
