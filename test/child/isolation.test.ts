import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abilitiesOf, chooseIsolation, type HostAbilities } from '../../src/child/isolation.js';
import { UsageError } from '../../src/util/errors.js';

const PERL = '/usr/bin/perl';
const LEAF = '/sys/fs/cgroup/x';

/** A host, and whether a cgroup was made on it. */
function host(has: { perl?: boolean; cgroup?: boolean }): HostAbilities & { made: number } {
  return {
    made: 0,
    perl: () => (has.perl ? PERL : undefined),
    leaf() {
      this.made += 1;
      return has.cgroup ? { leaf: LEAF } : { why: 'EACCES: permission denied' };
    },
  };
}

test('the strongest level that works is chosen: cgroup, subreaper, walk', () => {
  assert.deepEqual(chooseIsolation('auto', host({ perl: true, cgroup: true })), {
    level: 'cgroup',
    leaf: LEAF,
    perl: PERL,
  });
  assert.deepEqual(chooseIsolation('auto', host({ perl: true })), { level: 'subreaper', perl: PERL });
  assert.deepEqual(chooseIsolation('auto', host({ cgroup: true })), { level: 'walk' });
  assert.deepEqual(chooseIsolation('auto', host({})), { level: 'walk' });
});

test('a weaker level can be asked for, and no cgroup is made then', () => {
  const able = host({ perl: true, cgroup: true });
  assert.deepEqual(chooseIsolation('subreaper', able), { level: 'subreaper', perl: PERL });
  assert.deepEqual(chooseIsolation('walk', able), { level: 'walk' });
  assert.equal(able.made, 0);
});

test('without perl no cgroup is made that nobody would take away', () => {
  const poor = host({ cgroup: true });
  chooseIsolation('auto', poor);
  assert.throws(() => chooseIsolation('cgroup', poor), UsageError);
  assert.equal(poor.made, 0);
});

test('a level that does not work here is refused: what it needs, what there is, and what to do', () => {
  const refusal = (wanted: 'cgroup' | 'subreaper', there: HostAbilities): string => {
    try {
      chooseIsolation(wanted, there);
    } catch (error) {
      assert.ok(error instanceof UsageError);
      assert.match(error.hint ?? '', /strongest level that works/);
      return error.message;
    }
    return assert.fail('it was not refused');
  };
  assert.equal(
    refusal('cgroup', host({ perl: true })),
    'isolation cgroup: expected a cgroup v2 directory that we may write to, got EACCES: permission denied',
  );
  for (const level of ['cgroup', 'subreaper'] as const) {
    assert.equal(
      refusal(level, host({})),
      `isolation ${level}: expected Linux with /proc, and perl in /usr/bin, got none`,
    );
  }
});

test('on a host that is not Linux, or whose system calls are not known, nothing but walk works', () => {
  for (const [platform, arch] of [
    ['darwin', 'arm64'],
    ['win32', 'x64'],
    ['linux', 'mips'],
  ] as const) {
    assert.deepEqual(chooseIsolation('auto', abilitiesOf(platform, arch, 'x')), { level: 'walk' }, platform);
  }
  assert.deepEqual(abilitiesOf('darwin', 'arm64', 'x').leaf(), { why: 'a host without cgroups' });
});
