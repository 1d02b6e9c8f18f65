import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { until } from '../../src/testing/until.js';
import { Daemon } from '../helpers/daemon.js';
import { LOCKEX, Lockex, NODE_FIRST_PATH } from '../helpers/lockex.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';

/** Copies the real `/proc/uptime` to a file, put forward by the seconds in another file, 200 times a second. */
const CLOCK = `
my ($to, $by) = @ARGV;
open(my $real, '<', '/proc/uptime') or die;
open(my $copy, '+<', $to) or die;
while (1) {
  open(my $file, '<', $by) or die;
  my $seconds = readline($file) || 0;
  sysseek($real, 0, 0);
  sysread($real, my $text, 64);
  # In one write, at the same place: whoever has it open sees one time or the other.
  sysseek($copy, 0, 0);
  syswrite($copy, sprintf("%.2f 0.00\\n", (split ' ', $text)[0] + $seconds));
  select(undef, undef, undef, 0.005);
}`;

/** A host that lockex takes for one that was suspended: CLOCK_BOOTTIME jumps, timers and CLOCK_MONOTONIC do not. */
export interface SuspendableHost {
  /** Runs the built binary there. Needs root, for the mount. */
  run(args: readonly string[]): Promise<Lockex>;
  /** The host wakes after having slept for so long. */
  resumeAfter(seconds: number): Promise<void>;
}

export async function suspendableHost(t: TestContext): Promise<SuspendableHost> {
  const dir = await scope(t).use(tempDir('uptime'));
  const [uptime, offset] = [dir.join('uptime'), dir.join('offset')];
  await writeFile(uptime, '');
  await writeFile(offset, '0');
  await scope(t).use(Daemon.start('perl', ['-e', CLOCK, uptime, offset], { logFile: dir.join('log') }));
  await until(() => /^\d+\.\d\d /.test(readFileSync(uptime, 'utf8')), 'the clock goes');
  const inside = [
    '-m',
    '--propagation',
    'private',
    'sh',
    '-c',
    'mount --bind "$0" /proc/uptime && exec "$@"',
    uptime,
  ];
  return {
    run: (args) =>
      scope(t).use(new Lockex('unshare', [...inside, LOCKEX, ...args], { env: { PATH: NODE_FIRST_PATH } })),
    resumeAfter: (seconds) => writeFile(offset, String(seconds)),
  };
}
