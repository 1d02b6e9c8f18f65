import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { until } from '../../src/testing/until.js';
import { LOCKEX, NODE_FIRST_PATH } from '../helpers/lockex.js';
import { Run } from '../helpers/run.js';
import { scope } from '../helpers/scope.js';
import { atEachLevel } from './levels.js';

/** Leaves five orphans that end at once, and tells how many are still there two seconds later; 0 as soon as none is. */
const PROGRAM = `
  for (1 .. 5) { next if fork; exec 'setsid', '-f', 'true' }
  1 while wait > 0;
  for (my $n = 0; $n < 100; $n++) {
    $zombies = grep { open my $f, "<", $_; readline($f) =~ /\\((true|setsid)\\)/ } glob "/proc/[0-9]*/stat";
    last if !$zombies;
    select undef, undef, undef, 0.02;
  }
  print "pid $$, zombies $zombies\\n";`;

// Needs a namespace of its own. Not at walk, where Node as process 1 does not reap what is not its child: the twin below.
atEachLevel(
  'as process 1 of a container lockex leaves no zombies where the guardian adopts the orphans',
  async (stage, t) => {
    mkdirSync(stage.path('locks'));
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user'];
    const options = ['--isolation', stage.level, '--url', `file://${stage.path('locks')}`, '-q'];
    const words = [...user, '--pid', '--fork', '--mount-proc', '--kill-child', LOCKEX, ...options, '--'];
    const it = await scope(t).use(
      new Run('unshare', [...words, 'perl', '-e', PROGRAM], { env: { PATH: NODE_FIRST_PATH } }),
    );
    await until(() => it.ended, 'it has ended');
    assert.equal(it.ended?.code, 0, it.stderr);
    const zombies = Number(/^pid \d+, zombies (\d+)$/m.exec(it.stdout)?.[1]);
    // The twin: nobody reaps them.
    assert.equal(zombies, stage.level === 'walk' ? 5 : 0);
  },
);
