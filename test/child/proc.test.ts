import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMark, readProcess, readProcesses } from '../../src/child/proc.js';
import { until } from '../../src/testing/until.js';
import { Stage } from './stage.js';

test('a marked process that becomes another program again and again is never taken for one without a mark', async (t) => {
  const stage = new Stage(t);
  const again = 'exec $^X, "-e", $ARGV[0], $ARGV[0] if time < $ENV{END}';
  const { pid } = await stage.start('perl', ['-e', again, again], {
    env: { ...process.env, END: String(Math.floor(Date.now() / 1000) + 30) },
  });
  const seen = { present: 0, absent: 0, undecided: 0 };
  await until(() => {
    for (let i = 0; i < 1000; i += 1) {
      const facts = readProcess(pid);
      assert.ok(facts);
      seen[readMark(facts, stage.treeId)] += 1;
    }
    return seen.absent > 0 || seen.undecided >= 20;
  }, 'it was caught between two programs twenty times');
  assert.equal(seen.absent, 0, JSON.stringify(seen));
  assert.ok(seen.present > 0, JSON.stringify(seen));
});

test('lockex sees a process with its parent, and no longer when it is gone', async (t) => {
  const stage = new Stage(t);
  const child = await stage.shell('exec sleep 60');
  const found = readProcesses().find(({ pid }) => pid === child.pid);
  assert.equal(found?.parent, process.pid);
  assert.equal(found?.group, child.pid);
  await child.stop('SIGKILL', AbortSignal.abort());
  assert.equal(readProcess(child.pid), undefined);
});
