import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { drawLanes, type Lane } from '../../bench/demo/lanes.js';
import { until } from '../../src/testing/until.js';
import { NODE_FIRST_PATH } from '../helpers/lockex.js';
import { expectNoProcessWithEnv } from '../helpers/processes.js';
import { Run } from '../helpers/run.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';

/** The demo without a terminal, with a directory for its files, and a mark on all its processes. */
async function startDemo(t: TestContext) {
  const its = scope(t);
  const dir = await its.use(tempDir('demo-test'));
  const mark = randomBytes(8).toString('hex');
  const file = join(import.meta.dirname, '..', '..', 'bench', 'demo.ts');
  const env = { PATH: NODE_FIRST_PATH, TMPDIR: dir.path, DEMO_MARK: mark };
  const run = await its.use(new Run(process.execPath, ['--import', 'tsx', file], { env }));
  const expectNothingLeft = async () => {
    await expectNoProcessWithEnv(`DEMO_MARK=${mark}`);
    assert.deepEqual(
      (await readdir(dir.path)).filter((name) => name.startsWith('lockex')),
      [],
    );
  };
  return { run, expectNothingLeft };
}

test('the demo shows kill -9, a freeze and a cut link, and that two never ran at once', async (t) => {
  const { run, expectNothingLeft } = await startDemo(t);
  assert.deepEqual(await run.exited, { code: 0, signal: null }, run.stdout + run.stderr);
  assert.match(run.stdout, /kill -9 of a's lockex[\s\S]*frozen[\s\S]*link is cut/);
  assert.match(run.stdout, /^ {2}a {2}\.*#+.*K/m);
  assert.match(run.stdout, /\noverlap: 0 ms\n$/);
  assert.ok(!run.stdout.includes('\x1b'));
  await expectNothingLeft();
});

test('Ctrl-C ends the demo and leaves nothing', async (t) => {
  const { run, expectNothingLeft } = await startDemo(t);
  await until(() => run.stdout.includes('a holds the lock'), 'it has begun');
  run.kill('SIGINT');
  assert.deepEqual(await run.exited, { code: 130, signal: null });
  await expectNothingLeft();
});

test('a lane shows who ticks, waits, is struck, and is silent', () => {
  const lane: Lane = {
    name: 'a',
    runs: [{ from: 100, to: 900 }],
    ticks: [250, 350, 450],
    faults: [{ sign: 'F', from: 320, to: 600 }],
  };
  const draw = (colour: boolean) => drawLanes([lane], 1000, { cellMs: 100, colour });
  assert.deepEqual(draw(false), ['  a   .#F#~...']);
  assert.ok(draw(true)[0]?.includes('\x1b[0;32m#\x1b[1;31mF\x1b[0;33m#~\x1b[0;2m...\x1b[0m'));
});
