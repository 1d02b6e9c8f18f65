import { readFileSync } from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { until } from '../../src/testing/until.js';
import { LOCKEX, Lockex, NODE_FIRST_PATH } from '../helpers/lockex.js';
import { scope } from '../helpers/scope.js';
import { type TempDir, tempDir } from '../helpers/temp.js';
import { type Addresses, withAddresses } from './addresses.js';
import { TIMEOUT_S } from './services.js';

/** The commands of the document. They tell in a journal that they run, and with what. */
const STUBS = ['serve', 'report', 'redis-server', 'backup', 'make', 'python', 'uptime', 'dump', 'export'];

/**
 * `$STUB` says what it does then: stay until it is ended, leave a daemon behind and end, or end with that status. The daemon
 * stands in the journal as `left`.
 */
const STUB = `#!/bin/sh
echo "$$ $(basename "$0") $*" >> "$JOURNAL"
[ "$STUB" = stays ] && exec sleep 300
[ "$STUB" = leaves ] || exit "$STUB"
setsid sleep 300 &
echo "$! left" >> "$JOURNAL"
`;

/** What the commands of a line do. */
export type Stub = number | 'stays' | 'leaves';

/** What differs from the usual for one run of a line. */
export interface Differently {
  /** Ways to the services other than the stage's. */
  readonly addresses?: Addresses;
  /** Whether a `--hold` is as long as the document has it. */
  readonly wholeHold?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Every `--hold` of the document is so long in a test, s: who waits for five minutes is no test, and a memcached grants no
 * hold that is longer than it has been up.
 */
export const HOLD_S = 3;

let stages = 0;

/** Where the lines of one test run: programs to run, and locks that nobody else uses. */
export class Stage {
  readonly #lockpath: string;
  #runs = 0;

  private constructor(
    private readonly t: TestContext,
    private readonly dir: TempDir,
    readonly addresses: Addresses,
  ) {
    stages += 1;
    this.#lockpath = `stage-${process.pid}-${stages}`;
  }

  static async make(t: TestContext, addresses: Addresses): Promise<Stage> {
    const dir = await scope(t).use(tempDir('migrating'));
    await mkdir(dir.join('bin'));
    await symlink(LOCKEX, dir.join('bin', 'lockex'));
    for (const name of STUBS) await program(dir.join('bin', name), STUB);
    // What stands before the last command of a line.
    await program(dir.join('bin', 'prepare'), '#!/bin/sh\n');
    return new Stage(t, dir, addresses);
  }

  /** Things of one test, ended after it. */
  use<T extends AsyncDisposable>(thing: T | Promise<T>): Promise<T> {
    return scope(this.t).use(thing);
  }

  /** The text of a file that a line has written, `/tmp/NAME` in the document. */
  read(name: string): string {
    return readFileSync(this.dir.join(name), 'utf8');
  }

  /** Starts a line as a shell does. Its commands stay, unless `stub` is the status that they end with. */
  async start(line: string, stub: Stub = 'stays', how: Differently = {}): Promise<LineRun> {
    this.#runs += 1;
    const journal = this.dir.join(`journal-${this.#runs}`);
    const { text, env } = withAddresses(line, how.addresses ?? this.addresses);
    const here = text.replaceAll('/tmp/', `${this.dir.path}/`);
    const shown = how.wholeHold ? here : here.replaceAll(/--hold \S+/g, `--hold ${HOLD_S}`);
    return scope(this.t).use(
      new LineRun(shown, journal, {
        ...env,
        PATH: `${this.dir.join('bin')}:${NODE_FIRST_PATH}`,
        LOCKEX_LOCKPATH: this.#lockpath,
        LOCKEX_TIMEOUT: String(TIMEOUT_S),
        JOURNAL: journal,
        STUB: String(stub),
        ...how.env,
      }),
    );
  }
}

async function program(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

/** One command that a line has started. */
export interface Started {
  readonly pid: number;
  /** Its name and its arguments. */
  readonly words: string;
}

/** A line at work. */
export class LineRun extends Lockex {
  constructor(
    readonly line: string,
    private readonly journal: string,
    env: NodeJS.ProcessEnv,
  ) {
    super('/bin/sh', ['-c', line], { env });
  }

  /** The commands that it has started so far. */
  get started(): readonly Started[] {
    let text = '';
    try {
      text = readFileSync(this.journal, 'utf8');
    } catch {
      // None yet.
    }
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [pid = '', ...words] = line.split(' ');
        return { pid: Number(pid), words: words.join(' ').trim() };
      });
  }

  /** Waits until its (last) command runs. */
  async running(): Promise<Started> {
    await until(
      () => this.started.length > 0 || this.ended !== undefined,
      `the command of ${this.line} runs`,
    );
    const last = this.started.at(-1);
    if (last !== undefined) return last;
    throw new Error(`expected a command to run, got none: ${this.line}\n${this.stderr}`);
  }

  /** Waits until it says that it waits for somebody. */
  async waiting(): Promise<void> {
    const waits = () => this.hasLogged('waiting: ');
    await until(() => waits() || this.started.length > 0 || this.ended !== undefined, `${this.line} waits`);
    if (!waits() || this.started.length > 0)
      throw new Error(`expected it to wait: ${this.line}\n${this.stderr}`);
  }

  /** Waits until it has ended without having run a command, and returns its status. */
  async refused(): Promise<number | null> {
    const ended = await until(() => this.started.length > 0 || this.ended, `${this.line} ends`);
    if (ended === true || this.started.length > 0)
      throw new Error(`expected it to run nothing: ${this.line}\n${this.stderr}`);
    return ended.code;
  }

  /** Ends its command from outside, as an operator does, and waits until all is over. */
  async end(): Promise<void> {
    const { pid } = await this.running();
    process.kill(pid, 'SIGTERM');
    await this.exited;
  }
}
