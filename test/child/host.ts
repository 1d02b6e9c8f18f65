import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { buildSync } from 'esbuild';
import { until } from '../../src/testing/until.js';
import type { HostOrder } from '../fixtures/child/stage-host.js';
import { alive, allPids, argvOf } from '../helpers/processes.js';
import { Run } from '../helpers/run.js';
import { scope } from '../helpers/scope.js';
import { FIXTURES } from './stage.js';

const ROOT = join(import.meta.dirname, '..', '..');

/** Who runs a host. Somebody else than root is `nobody` already, as far as these tests go. */
export type User = 'root' | 'nobody';

export const USERS: readonly User[] = process.getuid?.() === 0 ? ['root', 'nobody'] : ['nobody'];

const BECOME_NOBODY =
  process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'] : [];

let directory: string | undefined;
after(() => directory && rmSync(directory, { recursive: true }));

/** The fixture as one file, quick to load, in a directory that everybody may read, and the guardians beside it. */
function program(): string {
  if (directory === undefined) {
    directory = mkdtempSync(join(tmpdir(), 'lockex-host-'));
    buildSync({
      entryPoints: [join(FIXTURES, 'stage-host.ts')],
      outfile: join(directory, 'stage-host.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
    });
    copyFileSync(join(ROOT, 'src/child/guardian/guardian.pl'), join(directory, 'guardian.pl'));
    copyFileSync(join(ROOT, 'dist/guardian.cjs'), join(directory, 'guardian.cjs'));
    chmodSync(directory, 0o755);
  }
  return join(directory, 'stage-host.mjs');
}

/** The living guardians that were started from this directory. */
export function guardiansOf(where: string): number[] {
  return allPids().filter(
    (pid) => alive(pid) && argvOf(pid).some((word) => word.startsWith(join(where, 'guardian.'))),
  );
}

/** A process of its own that runs a command on a stage. */
export class Host {
  readonly run: Run;

  private constructor(run: Run) {
    this.run = run;
  }

  /** Resolves when the command runs. */
  static async start(t: TestContext, user: User, order: HostOrder, env: NodeJS.ProcessEnv): Promise<Host> {
    const words = [
      ...(user === 'nobody' ? BECOME_NOBODY : []),
      process.execPath,
      program(),
      JSON.stringify(order),
    ];
    const [file = '', ...args] = words;
    const run = await scope(t).use(new Run(file, args, { env, cwd: '/', keepStdinOpen: true }));
    await until(() => run.stdout.startsWith('started ') || run.ended, 'the host has started its command');
    if (run.ended !== undefined) throw new Error(`the host could not start its command: ${run.stderr}`);
    return new Host(run);
  }

  /** The living guardians of the hosts of this test file. */
  guardians(): number[] {
    return guardiansOf(directory ?? '');
  }

  /** Lets the host stop its command without patience. */
  stop(): void {
    this.run.write('stop\n');
  }
}
