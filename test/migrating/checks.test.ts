import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Check, excludes, holds, outlastsItsHold, permits, refuses, shares, waits } from './checks.js';
import { Stage } from './stage.js';

const run = async (t: TestContext, check: Check, line: string) => check(await Stage.make(t, {}), line);

for (const check of [waits('serve'), refuses('serve', 1), shares('serve'), permits('serve', 2)]) {
  test('a line with an option that does not exist is found', async (t) => {
    await assert.rejects(run(t, check, 'lockex --local --locktime 1 -- serve'), /--locktime/);
  });
}

test('a line that runs another command is found', async (t) => {
  await assert.rejects(run(t, waits('serve'), 'lockex --local -- serve --port 80'), /serve --port 80/);
});

/** A lock that is another one in every run excludes nobody. */
const UNLOCKED = 'lockex --local -i "$$"';

test('lines that exclude nobody are found, whatever they are to do', async (t) => {
  await assert.rejects(run(t, waits('serve'), `${UNLOCKED} -- serve`), /expected it to wait/);
  await assert.rejects(run(t, refuses('serve', 1), `${UNLOCKED} -n -- serve`), /expected it to run nothing/);
  await assert.rejects(run(t, shares('serve'), `${UNLOCKED} --shared -- serve`), /expected it to wait/);
  await assert.rejects(run(t, permits('serve', 3), `${UNLOCKED} -c 3 -- serve`), /expected it to wait/);
  await assert.rejects(
    run(t, holds('serve'), 'lockex --local --once -- serve'),
    /expected it to run nothing/,
  );
  await assert.rejects(
    run(t, excludes('backup', 1, 'lockex --local -i a -- backup'), 'lockex --local -i a -- backup'),
    /expected it to run nothing/,
  );
});

test('a line that waits where it is to give up is found, and one that gives up where it is to wait', async (t) => {
  await assert.rejects(run(t, waits('serve'), 'lockex --local -n -i a -- serve'), /expected it to wait/);
  await assert.rejects(
    run(t, refuses('serve', 1, 60_000), 'lockex --local -n -i a -- serve'),
    /not before 60000 ms/,
  );
});

test('a line whose lock is kept for its hold only, and not for its job, is found', async (t) => {
  await assert.rejects(
    run(t, outlastsItsHold('serve'), 'lockex --local -i a --once --hold 300 -- true && serve'),
    /expected it to run nothing/,
  );
});
