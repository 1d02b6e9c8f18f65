import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readProcess } from '../../src/child/proc.js';
import { until } from '../../src/testing/until.js';
import { randomId } from '../../src/util/random-id.js';
import { atEachLevel } from './levels.js';
import { openPipe } from './pipe.js';
import { assertNoneLives, FIXTURES, forever, none, patience } from './stage.js';

const KILLED = { how: 'killed', signal: 'SIGKILL' };

atEachLevel(
  'killing the command alone leaves its children: the twin of hostile-trees.test.ts',
  async (stage) => {
    const { child, pids } = await stage.tree('chain', 3);
    process.kill(child.pid, 'SIGKILL');
    assert.deepEqual(await child.exited, KILLED);
    assert.equal(stage.living().length, pids.length - 1);
    await child.stop('SIGTERM', none);
    assertNoneLives(stage);
  },
);

atEachLevel(
  'a daemon that has thrown its environment away is not found: what level 3 does not promise',
  async (stage) => {
    const { child, pids } = await stage.tree('scrubbed', 3);
    await child.stop('SIGTERM', none);
    assert.deepEqual(
      stage.living(),
      pids.filter((pid) => pid !== child.pid).filter((pid) => stage.lives(pid)),
    );
    assert.equal(stage.living().length, 2, 'so it is the mark that finds the others');
  },
  ['walk'],
);

for (const [shape, size] of [
  ['flat', 5],
  ['chain', 5],
  ['sessions', 5],
  ['daemons', 5],
] as const) {
  atEachLevel(
    `the stop signal reaches the whole tree, and who cleans up in time is not killed: ${shape}`,
    async (stage) => {
      const { child } = await stage.tree(shape, size, 'tidy');
      await child.stop('SIGTERM', forever);
      assert.deepEqual(await child.exited, { how: 'exited', code: 0 });
      assert.deepEqual(numbers(stage.text('pids.tidy')), numbers(stage.text('pids')));
      assertNoneLives(stage);
    },
  );
}

atEachLevel('without patience nobody cleans up: the twin of the tests above', async (stage) => {
  const { child } = await stage.tree('flat', 5, 'tidy');
  await child.stop('SIGTERM', none);
  assert.deepEqual(await child.exited, KILLED);
  assert.equal(stage.text('pids.tidy'), '');
});

atEachLevel('a tree that ignores the stop signal lives until patience ends, and no longer', async (stage) => {
  const { child, pids } = await stage.tree('flat', 5, 'deaf');
  const grace = patience();
  const stopped = child.stop('SIGTERM', grace.signal);
  assert.equal(stage.living().length, pids.length);
  grace.end();
  await stopped;
  assert.deepEqual(await child.exited, KILLED);
  assertNoneLives(stage);
});

atEachLevel(
  'a second stop without patience cuts the first one short, and both end with the tree',
  async (stage) => {
    const { child } = await stage.tree('sessions', 5, 'deaf');
    const first = child.stop('SIGTERM', forever);
    await child.stop('SIGTERM', none);
    assertNoneLives(stage);
    await first;
  },
);

atEachLevel('a second stop does not send the stop signal again', async (stage) => {
  const program = `
    sub note { open(my $f, '>>', "$ENV{STAGE}/heard"); syswrite $f, "$_[0] " }
    $SIG{TERM} = sub { note('TERM') }; $SIG{HUP} = sub { note('HUP'); exit }; note('ready');
    sleep 1 while $n++ < 60;`;
  const child = await stage.start('perl', ['-e', program]);
  await until(() => stage.text('heard') === 'ready ', 'the command is ready');
  const stops = [child.stop('SIGTERM', forever)];
  await until(() => stage.text('heard') === 'ready TERM ', 'the first stop signal arrived');
  stops.push(child.stop('SIGTERM', forever));
  child.signal('SIGHUP');
  await Promise.all(stops);
  assert.equal(stage.text('heard'), 'ready TERM HUP ');
});

atEachLevel('what the command leaves behind gets the stop signal and its time, too', async (stage) => {
  const { child, pids } = await stage.tree('leave', 10, 'tidy');
  assert.deepEqual(await child.exited, { how: 'exited', code: 0 });
  assert.equal(stage.living().length, 9, 'they are alive when the command has gone');
  await child.stop('SIGTERM', forever);
  assert.deepEqual(
    numbers(stage.text('pids.tidy')),
    pids.toSorted((a, b) => a - b),
  );
  assertNoneLives(stage);
});

atEachLevel('when nothing is left to stop, lockex does not wait for patience to end', async (stage, t) => {
  const child = await stage.start('true');
  await child.exited;
  const began = performance.now();
  await child.stop('SIGTERM', forever);
  t.diagnostic(`proven gone after ${Math.round(performance.now() - began)} ms`);
  await child.stop('SIGTERM', none);
});

atEachLevel('a tree that was stopped can still act on the stop signal', async (stage) => {
  const { child, pids } = await stage.tree('sessions', 3, 'tidy');
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  const states = () => pids.map((pid) => readProcess(pid)?.state).join('');
  await until(() => states() === 'TTT', 'all are stopped');
  // The twin: the stop signal alone does not wake them.
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  assert.equal(states(), 'TTT');
  await child.stop('SIGTERM', forever);
  assert.deepEqual(await child.exited, { how: 'exited', code: 0 });
  assertNoneLives(stage);
});

atEachLevel('a tree whose processes fork and exit without pause is caught', async (stage, t) => {
  const hops = 5000;
  const dead = openPipe(stage, 'pipe');
  const tree = join(FIXTURES, 'tree.pl');
  const child = await stage.shell(
    `exec 9<>"$STAGE/pipe"; exec perl '${tree}' "$STAGE/pids" rabbit ${hops} deaf`,
  );
  await until(() => stage.pids().length > 20, 'they run');
  await child.exited;
  await child.stop('SIGTERM', none);
  await until(dead, 'the last of them is dead');
  t.diagnostic(`caught after ${stage.pids().length} of ${hops}`);
  assert.ok(stage.pids().length < hops, 'it was caught while it ran');
});

atEachLevel(
  'a daemon that the command starts with its last breath is caught, before it has become its own program',
  async (stage) => {
    for (let round = 1; round <= 10; round += 1) {
      const dead = openPipe(stage, `pipe${round}`);
      const child = await stage.shell(`exec 9<>"$STAGE/pipe${round}"; exec setsid -f sleep 60`);
      await child.exited;
      await child.stop('SIGTERM', none);
      await until(dead, `the daemon of round ${round} is dead`);
    }
  },
);

atEachLevel('the daemons of a lockex inside a lockex belong to the outer tree, too', async (stage) => {
  const inner = randomId();
  const run = (mark: string, file: string) =>
    `LOCKEX_TREE="${mark}" perl '${join(FIXTURES, 'tree.pl')}' "$STAGE/${file}" daemons 3 deaf & `;
  // The twin runs beside it: daemons whose mark replaced the outer one. Only where nothing else leads to them are they lost.
  const child = await stage.shell(`${run(`$LOCKEX_TREE ${inner}`, 'pids')} ${run(inner, 'lost')} wait`);
  const all = (file: string) => stage.text(file).split('\n').filter(Boolean).map(Number);
  await until(() => all('pids').length === 3 && all('lost').length === 3, 'both are ready');
  await child.stop('SIGTERM', none);
  const lost = all('lost').filter((pid) => stage.lives(pid));
  for (const pid of lost) process.kill(pid, 'SIGKILL');
  assertNoneLives(stage);
  assert.equal(lost.length, stage.level === 'walk' ? 2 : 0);
  await until(() => !lost.some((pid) => stage.lives(pid)), 'the twin is dead');
});

function numbers(text: string): number[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map(Number)
    .sort((a, b) => a - b);
}
