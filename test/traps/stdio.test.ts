import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { LEVELS } from '../child/levels.js';
import { freshLock } from '../e2e/stage.js';
import { LOCKEX, lockex, NODE_FIRST_PATH } from '../helpers/lockex.js';
import { Run } from '../helpers/run.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

/** Says in a file what it has for standard streams, and in another that it was told to stop; ends with 7 then. */
const TELLS = `
trap 'echo told >"$1/told"; exit 7' TERM
streams=$(for fd in 0 1 2; do readlink /proc/$$/fd/$fd || echo closed; done)
echo "$streams" >"$1/streams.new"
mv "$1/streams.new" "$1/streams"
while :; do sleep 0.05; done`;

for (const [what, redirection] of [
  ['all are closed', '<&- >&- 2>&-'],
  ['each write fails', '</dev/null >/dev/full 2>/dev/full'],
] as const) {
  for (const isolation of LEVELS) {
    test(`trap 45: stdin, stdout, stderr inherited unbuffered (isatty preserved; closed stdout/EPIPE doesn't kill the supervision) (${what}, ${isolation})`, async (t) => {
      const dir = await scope(t).use(tempDir('streams'));
      const lock = ['-z', zookeeper.address, '-T', '4', '-i', freshLock(), '--isolation', isolation];
      const words = [LOCKEX, ...lock, '--log-level', 'trace', '--', 'sh', '-c', TELLS, 'tells', dir.path];
      const closing = ['-c', `exec "$@" ${redirection}`, 'sh', ...words];
      const it = await scope(t).use(new Run('sh', closing, { env: { PATH: NODE_FIRST_PATH } }));
      await until(() => existsSync(dir.join('streams')), 'the command runs');
      // Neither a connection of ours nor the guardian's has come to stand where a stream is missing.
      const streams = readFileSync(dir.join('streams'), 'utf8').trim().split('\n');
      assert.deepEqual(
        streams.filter((each) => !/^(closed|\/dev\/(null|full))$/.test(each)),
        [],
      );
      const waits = await scope(t).use(lockex([...lock, '--', 'echo', 'next']));
      await until(() => waits.hasLogged('waiting: '), 'the lock is held');
      it.kill('SIGTERM');
      assert.deepEqual(await it.exited, { code: 7, signal: null });
      assert.ok(existsSync(dir.join('told')));
      assert.deepEqual(await waits.exited, { code: 0, signal: null });
      assert.equal(waits.stdout, 'next\n');
    });
  }
}
