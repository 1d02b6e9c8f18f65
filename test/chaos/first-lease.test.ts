import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { lockex } from '../helpers/lockex.js';
import { startProxy } from '../helpers/proxy.js';
import { scope } from '../helpers/scope.js';
import { startEnsemble } from '../helpers/zookeeper.js';
import { overlapsIn } from './verdict.js';
import { Witness } from './witness.js';

const COMMAND = join(import.meta.dirname, 'hostile.pl');

test('a waiter that was silent for long is granted nothing that the leader may take back before its deadline', async (t) => {
  const its = scope(t);
  const ensemble = await its.use(startEnsemble(3));
  const [follower] = await ensemble.followers();
  assert.ok(follower);
  const leader = await ensemble.leader();
  const nothing = () => {};
  const witness = await its.use(Witness.open({ started: nothing, treeEnded: nothing, overlap: nothing }));
  const start = (name: string, address: string, mood: string) => {
    const words = [witness.path, '1', 'alone', mood, '0', '0'];
    return its.use(
      lockex(['-z', address, '-i', 'l', '-T', '3', '-k', '1', '-r', '-1', '--', 'perl', COMMAND, ...words], {
        env: { CHAOS_RUN: name },
      }),
    );
  };
  const started = (name: string) =>
    until(() => witness.trees.some(({ run }) => run === name), `${name} holds`);
  const a = await start('a', ensemble.hosts, 'plain');
  await started('a');
  const link = await its.use(startProxy(follower.address, { protocol: 'raw' }));
  const b = await start('b', link.address, 'deaf');
  await until(() => b.hasLogged('in line'), 'b waits');
  const c = await start('c', leader.address, 'deaf');
  await until(() => c.hasLogged('in line'), 'c waits');
  // From b's last packet that arrives on: silence until just before it would give this server up.
  const quietSince = performance.now() + 500;
  const before = await until(() => performance.now() > quietSince && link.bytesFromClient, 'b is quiet');
  await until(() => link.bytesFromClient > before, 'b pings');
  const last = link.lastClientByteAt ?? 0;
  link.mode = 'dropToServer';
  await until(() => performance.now() > last + 1500, 'half of the silence is over');
  a.kill('SIGTERM');
  await until(() => performance.now() > last + 2900, 'the silence is over');
  link.mode = 'pass';
  // The follower has acknowledged b's writes, and has not told the leader yet that b lives.
  await started('b');
  ensemble.cut(follower);
  await started('c');
  ensemble.heal(follower);
  assert.deepEqual(overlapsIn(await witness.lines()), []);
});
