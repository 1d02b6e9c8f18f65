import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../../src/testing/until.js';
import { jsonLines, LOCKEX, type LogLine, NODE_FIRST_PATH } from '../../helpers/lockex.js';
import { descendants } from '../../helpers/processes.js';
import { Run } from '../../helpers/run.js';
import { type TempDir, tempDir } from '../../helpers/temp.js';
import type { Witness } from './witness.js';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'supervisord');
const CONFIG = join(FIXTURES, 'host.conf');

/** `PATH` that finds the commands of the fixtures first, and the Node that runs the tests. */
export const FIXTURES_FIRST_PATH = `${join(FIXTURES, 'bin')}:${NODE_FIRST_PATH}`;

/** What the program entries of a host are made from. */
export interface HostOptions {
  /** The file with the program entries, in the fixtures. */
  readonly programs: string;
  /** The ZooKeeper servers, as `--zkhosts` wants them. */
  readonly servers: string;
  /** Whose file stands for what is locked. */
  readonly witness: Witness;
  /** What else the entries name as `%(ENV_…)s`. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What supervisorctl tells of a program. */
export interface ProgramStatus {
  /** `RUNNING`, `STOPPED`, … */
  readonly state: string;
  /** Not a number while it does not run. */
  readonly pid: number;
}

/**
 * A "host": one real supervisord with program entries, and files of its own. Disposing kills it and what carries its
 * environment; commands that throw that away are the witness's to find, who therefore has to outlive the host.
 */
export class Host implements AsyncDisposable {
  private constructor(
    private readonly daemon: Run,
    private readonly env: NodeJS.ProcessEnv,
    private readonly dir: TempDir,
  ) {}

  /** Starts supervisord and waits until supervisorctl reaches it. */
  static async start(options: HostOptions): Promise<Host> {
    const dir = await tempDir('host');
    const env = {
      ...options.env,
      PATH: FIXTURES_FIRST_PATH,
      HOST_DIR: dir.path,
      PROGRAMS: join(FIXTURES, options.programs),
      BIN_LOCKEX: LOCKEX,
      SERVERS: options.servers,
      WITNESS: options.witness.path,
      TZ: 'UTC',
    };
    const host = new Host(new Run('/usr/bin/supervisord', ['-c', CONFIG], { env }), env, dir);
    try {
      await host.said(/supervisord started with pid/);
      return host;
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What supervisord has said of its programs so far. */
  get events(): string {
    return this.daemon.stdout;
  }

  /** Waits until supervisord has said this `times` times. */
  async said(what: RegExp, times = 1): Promise<void> {
    const count = () => this.events.match(new RegExp(what.source, 'g'))?.length ?? 0;
    await until(() => count() >= times, `supervisord says ${what} ${times} times`).catch((cause) => {
      throw new Error(`supervisord says: ${this.events}${this.daemon.stderr}`, { cause });
    });
  }

  /** Runs supervisorctl to its end; resolves to what it has written. */
  async ctl(...args: readonly string[]): Promise<string> {
    await using run = new Run('/usr/bin/supervisorctl', ['-c', CONFIG, ...args], { env: this.env });
    await run.exited;
    return run.stdout + run.stderr;
  }

  /** The programs as supervisorctl tells of them. */
  async status(): Promise<ReadonlyMap<string, ProgramStatus>> {
    const lines = (await this.ctl('status')).matchAll(/^(\S+) +([A-Z]+)(?: +pid (\d+),)?/gm);
    return new Map([...lines].map(([, name = '', state = '', pid]) => [name, { state, pid: Number(pid) }]));
  }

  /** What the command of a program has written to stdout so far, byte for byte. */
  stdoutBytes(program: string): Buffer {
    return readFileSync(this.dir.join(`${program}.out`));
  }

  /** The same as text. */
  stdout(program: string): string {
    return this.stdoutBytes(program).toString('utf8');
  }

  /** What a program has written to stderr so far. */
  stderr(program: string): string {
    return readFileSync(this.dir.join(`${program}.err`), 'utf8');
  }

  /** The lines of lockex's log so far. */
  logs(program: string): readonly LogLine[] {
    return jsonLines(this.stderr(program));
  }

  /** Waits until lockex's log has this text in `times` messages. */
  async logged(program: string, text: string, times = 1): Promise<void> {
    const count = () => this.logs(program).filter(({ msg }) => String(msg).includes(text)).length;
    await until(() => count() >= times, `lockex (${program}) logs "${text}" ${times} times`).catch(
      (cause) => {
        throw new Error(`lockex says: ${this.stderr(program)}supervisord says: ${this.events}`, { cause });
      },
    );
  }

  /** Whether this process descends from supervisord. */
  runs(pid: number): boolean {
    return descendants(this.daemon.pid).includes(pid);
  }

  /** Shuts the whole host down as init does, by SIGTERM; resolves when supervisord is gone, and nothing is left. */
  async shutDown(): Promise<void> {
    this.daemon.kill('SIGTERM');
    await this.daemon.exited;
    await this.daemon.expectNoStray();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}
