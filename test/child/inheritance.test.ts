import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { until } from '../../src/testing/until.js';
import { LOCKEX, NODE_FIRST_PATH } from '../helpers/lockex.js';
import { Run, type RunOptions } from '../helpers/run.js';
import { scope } from '../helpers/scope.js';
import { atEachLevel, INLINE } from './levels.js';
import type { Stage } from './stage.js';

/** A bash script in which `"$@"` is the built binary under a file lock of the test's, up to `--`. */
function script(t: TestContext, stage: Stage, text: string, how: RunOptions = {}): Promise<Run> {
  mkdirSync(stage.path('locks'), { recursive: true });
  const words = [LOCKEX, '-q', '--isolation', stage.level, '--url', `file://${stage.path('locks')}`, '--'];
  const env = { PATH: NODE_FIRST_PATH, STAGE: stage.dir };
  return scope(t).use(new Run('bash', ['-c', text, 'bash', ...words], { ...how, env }));
}

const die = ['-e', 'kill $ARGV[0], $$; sleep 60', '--'];

atEachLevel(
  'the number of a real-time signal that the command dies of is told',
  async (stage) => {
    for (const number of [34, 47, 64]) {
      const child = await stage.start('perl', [...die, String(number)]);
      assert.deepEqual(await child.exited, { how: 'killed', signal: number });
    }
  },
  INLINE,
);

atEachLevel(
  'of a command that is a child of Node, a death by a real-time signal is not told: what walk does not promise',
  async (stage) => {
    const child = await stage.start('perl', [...die, '40']);
    assert.deepEqual(await child.exited, { how: 'exited', code: 0 });
  },
  ['walk'],
);

atEachLevel(
  'a hundred kilobytes of arguments and of environment pass, and a thousand empty ones',
  async (stage) => {
    const large = 'ä€😀 \n"\'\\'.repeat(5_000);
    const args = [large, ...Array.from({ length: 1000 }, () => ''), 'last'];
    const env = { ...process.env, STAGE: stage.dir, LARGE: large, EMPTY: '' };
    const program =
      'open(F, ">", "$ENV{STAGE}/got"); print F map { "$_\\0" } $ENV{LARGE}, exists $ENV{EMPTY} ? "" : "none", @ARGV; close F';
    const child = await stage.start('perl', ['-e', program, '--', ...args], { env });
    assert.deepEqual(await child.exited, { how: 'exited', code: 0 });
    assert.equal(stage.text('got'), [large, '', ...args].map((each) => `${each}\0`).join(''));
  },
);

atEachLevel('umask, working directory and niceness are those that lockex was given', async (stage, t) => {
  mkdirSync(stage.path('here'));
  const show = "sh -c 'umask; pwd; nice'";
  const it = await script(t, stage, `umask 027; cd "$STAGE/here"; renice -n 5 $$ >&2; ${show}; "$@" ${show}`);
  await until(() => it.ended, 'it has ended');
  const lines = it.stdout.split('\n');
  assert.deepEqual(lines.slice(0, 3), ['0027', stage.path('here'), '5']);
  assert.deepEqual(lines.slice(3, 6), lines.slice(0, 3));
});

atEachLevel('whoever reads the output of lockex sees its end when the command ends', async (stage, t) => {
  const it = await script(
    t,
    stage,
    '"$@" sh -c "sleep 60 & setsid -f sleep 60; echo out" 2>&1 | cat; echo end',
  );
  await until(() => it.ended, 'the reader has ended');
  assert.equal(it.stdout, 'out\nend\n');
});

atEachLevel(
  'what stands in the input is the command’s, and what it leaves is there for the next one',
  async (stage, t) => {
    const it = await script(t, stage, '"$@" sh -c \'read line; echo "first $line"\'; cat', {
      input: 'one\ntwo\nthree\n',
    });
    await until(() => it.ended, 'it has ended');
    assert.equal(it.stdout, 'first one\ntwo\nthree\n');
  },
);
