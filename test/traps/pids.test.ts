import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { LOCKEX, Lockex, NODE_FIRST_PATH } from '../helpers/lockex.js';
import { childrenOf } from '../helpers/processes.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';

/** Runs a program as process 1 of a namespace of its own. Needs root. */
async function asPid1(t: TestContext, file: string, args: readonly string[]): Promise<Lockex> {
  const inside = ['--pid', '--fork', '--mount-proc', '--kill-child=KILL', '--propagation', 'private'];
  return scope(t).use(new Lockex('unshare', [...inside, file, ...args], { env: { PATH: NODE_FIRST_PATH } }));
}

/**
 * The command ends and leaves a daemon that ignores the stop signal; while lockex waits for it, the command's number is
 * given to a bystander (`ns_last_pid` says which number is next). In the end it tells who lives.
 */
const REUSE = `
cd $1; level=$2; shift 2
"$@" --url "file://$PWD/locks" --isolation $level -k 1 -- sh -c '
  echo $$ >leader
  setsid -f sh -c "trap : TERM; : >up; while :; do sleep 1; done"
  while ! [ -e up ]; do sleep 0.01; done' &
lockex=$!
while ! [ -e up ]; do sleep 0.01; done
leader=$(cat leader)
while [ -e /proc/$leader ]; do sleep 0.01; done
bystander=0
# Another may be quicker, the daemon's sleep say: then again, for as long as lockex kills.
while [ $bystander != $leader ] && kill -0 $lockex; do
  echo $((leader - 1)) >/proc/sys/kernel/ns_last_pid
  setsid sleep 60 & bystander=$!
  [ $bystander = $leader ] || kill -9 $bystander
done
echo reused $((bystander == leader)) while lockex runs $(kill -0 $lockex && echo yes)
wait $lockex; echo status $?
kill -0 $bystander && echo bystander lives
kill -9 $bystander`;

for (const level of ['subreaper', 'walk'] as const) {
  test(`trap 48: PID reuse: no kill is sent to a pid after it was reaped (${level})`, async (t) => {
    const dir = await scope(t).use(tempDir('reuse'));
    const it = await asPid1(t, 'sh', ['-c', REUSE, 'reuse', dir.path, level, LOCKEX]);
    await it.exited;
    assert.match(it.stdout, /^reused 1 while lockex runs yes\nstatus 0\nbystander lives\n/, it.stderr);
  });
}

/** Leaves an orphan that ends at once, waits until it was reaped, and tells which signals it is to ignore or to hold back. */
const ORPHAN = `
sh -c 'sleep 0.1 & echo $! >'$1
orphan=$(cat $1)
tries=0
while [ -e /proc/$orphan ] && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
[ -e /proc/$orphan ] && echo zombie || echo reaped
grep -E '^Sig(Blk|Ign)' /proc/self/status
echo ready $$
exec sleep 300`;

test('trap 49: PID-1-in-container: zombies reaped, default signal dispositions right', async (t) => {
  const dir = await scope(t).use(tempDir('pid1'));
  const options = ['--url', `file://${dir.join('locks')}`, '--isolation', 'subreaper', '--'];
  const it = await asPid1(t, LOCKEX, [...options, 'sh', '-c', ORPHAN, 'orphan', dir.join('pid')]);
  await until(() => /^ready/m.test(it.stdout), `the command is through: ${it.stderr}`);
  assert.match(it.stdout, /^reaped$/m);
  // What grep does with signals itself is to catch one.
  assert.deepEqual(it.stdout.match(/^Sig.*$/gm), ['SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000']);
  const [first] = childrenOf(it.pid);
  assert.ok(first);
  process.kill(first, 'SIGTERM');
  assert.deepEqual(await it.exited, { code: 143, signal: null });
});
