import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEtcd } from '../../helpers/etcd.js';
import { scope } from '../../helpers/scope.js';
import { freshLock, run, waiting } from '../stage.js';
import { assertGone, hold, takesOver, witness } from '../witness.js';

const TTL_SECONDS = 6;

test('etcd without its gateway: when lockex is killed, the next one starts when the timeout has passed', async (t) => {
  const etcd = await scope(t).use(startEtcd({ gateway: false }));
  const [url, command] = [`etcd://${etcd.hosts}`, await witness(t)];
  const options = ['-i', freshLock(), '-T', `${TTL_SECONDS}`];
  const first = await hold(t, url, options, command);
  const second = await run(t, url, options, command);
  await waiting(second);
  const since = performance.now();
  first.it.kill('SIGKILL');
  await takesOver(second, first);
  const ms = performance.now() - since;
  assert.ok(ms > (TTL_SECONDS * 1000) / 2, `the next one ran ${Math.round(ms)} ms later`);
  await assertGone(first);
});
