import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../../src/testing/until.js';
import { processesWithOpen } from '../../test/helpers/processes.js';
import { Run } from '../../test/helpers/run.js';
import { type TempDir, tempDir } from '../../test/helpers/temp.js';
import type { Life } from './overlap.js';

/** The two whose lives are compared: who holds the lock when the fault comes, and who gets it then. */
export type Place = 'holder' | 'next';
const PLACES: readonly Place[] = ['holder', 'next'];

interface Said {
  readonly at: number;
  readonly name: string;
  readonly word: string;
  readonly pid: number;
}

/** Now, on the clock of the witness. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Who lives, told by the kernel to a program of its own (`witness.pl`), by a FIFO for each place. */
export class Witness implements AsyncDisposable {
  private constructor(
    private readonly dir: TempDir,
    private readonly program: Run,
  ) {}

  static async open(): Promise<Witness> {
    const dir = await tempDir('faults');
    const fifos = PLACES.map((place) => dir.join(place));
    await promisify(execFile)('mkfifo', [...fifos, dir.join('go')]);
    const program = new Run('perl', [join(import.meta.dirname, 'witness.pl'), ...fifos]);
    const witness = new Witness(dir, program);
    try {
      await until(() => program.stdout.includes('watching'), `the witness watches ${program.stderr}`);
      return witness;
    } catch (error) {
      await witness[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The FIFO whose first writer tells the command of shape `leaves` to end. */
  get go(): string {
    return this.dir.join('go');
  }

  /** The command line for one place. */
  command(place: Place, shape: string): string[] {
    return ['sh', join(import.meta.dirname, 'command.sh'), shape, this.dir.join(place), this.go];
  }

  /** When trees of this place lived. */
  lives(place: Place): Life[] {
    const lives: Life[] = [];
    for (const { at, word } of this.#said(place)) {
      const last = lives.at(-1);
      if (word === 'begin') lives.push({ begin: at, end: undefined });
      if (word === 'end' && last !== undefined) lives[lives.length - 1] = { ...last, end: at };
    }
    return lives;
  }

  /** Waits until somebody of the place has said this word, and returns who and when. */
  heard(place: Place, word: string, limitMs?: number): Promise<Said> {
    return until(
      () => this.#said(place).find((said) => said.word === word),
      `the ${place} says ${word}`,
      limitMs,
    );
  }

  /** The living processes of a place's trees: those that have its FIFO open for writing. */
  living(place: Place): number[] {
    return processesWithOpen(this.dir.join(place)).filter((pid) => pid !== this.program.pid);
  }

  /** Kills, by pid, what is alive of both. */
  async killAll(): Promise<void> {
    await until(() => {
      const pids = PLACES.flatMap((place) => this.living(place));
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // Gone in the meantime.
        }
      }
      return pids.length === 0;
    }, 'every process of the commands is killed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killAll();
    await this.program[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }

  #said(place: Place): Said[] {
    return this.program.stdout
      .split('\n')
      .slice(0, -1)
      .flatMap((line) => {
        const [at = '', name = '', word = '', pid = ''] = line.split(' ');
        return name === place ? [{ at: Number(at), name, word, pid: Number(pid) }] : [];
      });
  }
}
