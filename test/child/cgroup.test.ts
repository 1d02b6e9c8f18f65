import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isPopulated, killLeaf, makeLeaf, ownCgroup, removeLeaf } from '../../src/child/cgroup.js';
import { CgroupTree } from '../../src/child/cgroup-tree.js';
import type { SignalName } from '../../src/child/child.js';
import type { Pass, Tree } from '../../src/child/tree.js';
import { until } from '../../src/testing/until.js';
import { randomId } from '../../src/util/random-id.js';
import { tempDir } from '../helpers/temp.js';
import { LEVELS } from './levels.js';
import { none, Stage } from './stage.js';

const V1 = '37 31 0:34 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids';
const mountinfo = (root: string, point: string): string =>
  `22 1 254:0 / / rw - ext4 /dev/root rw\n${V1}\n41 31 0:38 ${root} ${point} rw,nosuid shared:9 - cgroup2 cgroup2 rw\n`;

test('our cgroup is found where version 2 is mounted alone', () => {
  const found = ownCgroup(mountinfo('/', '/sys/fs/cgroup'), '0::/system.slice/cron.service\n');
  assert.equal(found, '/sys/fs/cgroup/system.slice/cron.service');
});

test('our cgroup is found on a hybrid host, beside those of version 1', () => {
  const membership = '9:name=systemd:/x\n8:pids:/y\n0::/user.slice\n';
  assert.equal(
    ownCgroup(mountinfo('/', '/sys/fs/cgroup/unified'), membership),
    '/sys/fs/cgroup/unified/user.slice',
  );
});

test('in a container with a namespace of its own the mount is ours', () => {
  assert.equal(ownCgroup(mountinfo('/', '/sys/fs/cgroup'), '0::/\n'), '/sys/fs/cgroup/');
});

test('in a container without one, our path begins where the mount does', () => {
  const info = mountinfo('/docker/abc', '/sys/fs/cgroup');
  assert.equal(ownCgroup(info, '0::/docker/abc/inner\n'), '/sys/fs/cgroup/inner');
  assert.equal(ownCgroup(info, '0::/docker/abc\n'), '/sys/fs/cgroup');
  assert.equal(
    ownCgroup(info, '0::/docker/abcd\n'),
    undefined,
    'another one, whose name begins as ours does',
  );
  assert.equal(ownCgroup(info, '0::/\n'), undefined);
});

test('blanks in the names of the mount are understood', () => {
  assert.equal(ownCgroup(mountinfo('/', '/my\\040groups'), '0::/a b\n'), '/my groups/a b');
  assert.equal(ownCgroup(mountinfo('/a\\040b', '/groups'), '0::/a b/c\n'), '/groups/c');
});

test('without version 2 there is none', () => {
  assert.equal(ownCgroup(`${V1}\n`, '8:pids:/y\n'), undefined);
  assert.equal(ownCgroup(`${V1}\n`, '0::/\n'), undefined);
  assert.equal(ownCgroup(mountinfo('/', '/sys/fs/cgroup'), '8:pids:/y\n'), undefined);
});

test('a cgroup that cannot be made is refused with the reason, and nothing is left of it', () => {
  const made = makeLeaf(`no/such/place-${randomId()}`);
  assert.ok('why' in made);
  assert.match(made.why, LEVELS.includes('cgroup') ? /ENOENT/ : /./);
});

test('a cgroup of which nobody is in is taken away, and so is what a run inside of it has left', async () => {
  await using dir = await tempDir('cgroup');
  // The kernel's own directories go as these do, but for their files.
  mkdirSync(dir.join('leaf', 'inner', 'innermost'), { recursive: true });
  removeLeaf(dir.join('leaf'));
  assert.equal(existsSync(dir.join('leaf')), false);
  removeLeaf(dir.join('leaf'));
  assert.equal(isPopulated(dir.join('leaf')), false);
});

/** A tree that is found by looking, of which the test says who is seen. */
class Seen implements Tree {
  readonly swept: (readonly SignalName[])[] = [];
  forward(): void {}
  rehearse(): void {}
  async sweep(...signals: readonly SignalName[]): Promise<Pass> {
    this.swept.push(signals);
    return { members: [], undecided: [] };
  }
}

// Where no cgroup can be made there is nothing to be tested.
if (LEVELS.includes('cgroup')) {
  test('whom no look finds is in the cgroup all the same, until the kernel says that nobody is', async (t) => {
    const made = makeLeaf(`lockex-test-${randomId()}`);
    assert.ok('leaf' in made);
    const { leaf } = made;
    const stage = new Stage(t, 'walk');
    const child = await stage.start('/bin/sh', [
      '-c',
      `echo 0 > '${join(leaf, 'cgroup.procs')}'; exec sleep 60`,
    ]);
    await until(() => isPopulated(leaf), 'somebody is in it');
    const seen = new Seen();
    const tree = new CgroupTree(leaf, seen);
    const pass = await tree.sweep('SIGTERM');
    assert.deepEqual([pass.members.length, pass.members[0]?.command], [1, `in ${leaf}`]);
    assert.deepEqual(seen.swept, [['SIGTERM']]);
    removeLeaf(leaf);
    assert.ok(existsSync(leaf), 'it is not taken away from under him');

    await tree.sweep('SIGKILL');
    assert.deepEqual(await child.exited, { how: 'killed', signal: 'SIGKILL' });
    await until(() => !isPopulated(leaf), 'nobody is in it');
    assert.deepEqual(await tree.sweep('SIGKILL'), { members: [], undecided: [] });
    await child.stop('SIGTERM', none);
    removeLeaf(leaf);
    assert.equal(existsSync(leaf), false);
    assert.throws(() => killLeaf(leaf), /ENOENT/);
  });
}
