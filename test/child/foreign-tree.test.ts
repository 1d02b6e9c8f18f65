import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Child } from '../../src/child/child.js';
import { ForeignTree } from '../../src/child/foreign-tree.js';
import { until } from '../../src/testing/until.js';
import { assertNoneLives, Stage } from './stage.js';

/** The tree as a host without /proc sees it. */
async function foreign(child: Child): Promise<{ tree: ForeignTree }> {
  const ended = new AbortController();
  void child.exited.then(() => ended.abort());
  return { tree: new ForeignTree({ pid: child.pid, startTime: 0, ended: ended.signal }, 'perl') };
}

test('on a host without /proc lockex finds a tree from parents to children', async (t) => {
  const stage = new Stage(t);
  const { child, pids } = await stage.tree('chain', 4, 'deaf');
  const { tree } = await foreign(child);
  const pass = await tree.sweep();
  assert.deepEqual(
    pass.members.map(({ pid }) => pid),
    [child.pid],
  );
  assert.equal(stage.living().length, pids.length, 'a look alone harms nobody');
  await tree.sweep('SIGTERM', 'SIGKILL');
  await child.exited;
  await until(() => stage.living().length === 0, 'the tree is dead');
  assert.deepEqual(await tree.sweep('SIGKILL'), { members: [], undecided: [] });
});

test('on a host without /proc a signal is handed on to the tree', async (t) => {
  const stage = new Stage(t);
  const { child } = await stage.tree('chain', 2, 'tidy');
  const { tree } = await foreign(child);
  tree.forward('SIGTERM');
  assert.deepEqual(await child.exited, { how: 'exited', code: 0 });
  await until(() => stage.living().length === 0, 'the tree has ended');
  tree.forward('SIGTERM');
  assertNoneLives(stage);
});
