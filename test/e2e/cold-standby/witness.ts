import { until } from '../../../src/testing/until.js';
import { alive, describeProcesses, processesWithOpen } from '../../helpers/processes.js';
import { tempDir } from '../../helpers/temp.js';

/**
 * A file on which each command under `alone` has an exclusive kernel lock while any process of its tree lives; a
 * second command ends at once, with `SECOND`. And so it finds the trees of commands that overwrite their
 * environment, as redis does with its title: what is left at the end is killed.
 */
export class Witness implements AsyncDisposable {
  /** The status of a command that found another one alive. */
  static readonly SECOND = 99;

  private constructor(
    readonly path: string,
    private readonly dir: AsyncDisposable,
  ) {}

  static async create(): Promise<Witness> {
    const dir = await tempDir('witness');
    return new Witness(dir.join('witness'), dir);
  }

  /** The processes of the command that runs, if one does. */
  holders(): number[] {
    return processesWithOpen(this.path);
  }

  /** Fails with the names of the processes of a command that runs still. */
  expectNone(): void {
    const holders = this.holders();
    if (holders.length > 0) throw new Error(`still alive: ${describeProcesses(holders)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await until(() => {
      const pids = this.holders();
      for (const pid of pids) if (alive(pid)) process.kill(pid, 'SIGKILL');
      return pids.length === 0;
    }, 'every process that holds the witness is killed');
    await this.dir[Symbol.asyncDispose]();
  }
}
