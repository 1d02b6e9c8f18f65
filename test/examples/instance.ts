import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../src/testing/until.js';
import { Run } from '../helpers/run.js';
import { scope } from '../helpers/scope.js';
import { readJournal, type Stretch } from './journal.js';

const SERVER = fileURLToPath(new URL('../../examples/singleton-job/server.mjs', import.meta.url));

/** Where the instances of one test contend, and what they write to. */
export interface Place {
  readonly url: string;
  readonly ttlMs: number;
  readonly journal: string;
}

/** What an instance answers. */
export interface Answer {
  readonly instance: string;
  readonly leading: boolean;
  readonly leader: string | null;
}

/** One instance of the example, as it is: nothing in it knows of a test. */
export class Instance extends Run {
  constructor(private readonly place: Place) {
    super(process.execPath, [SERVER], {
      env: {
        LOCK_URL: place.url,
        LOCK_TTL: `${place.ttlMs}ms`,
        JOURNAL: place.journal,
        TICK_MS: '50',
        PORT: '0',
      },
    });
  }

  /** Starts one, for the time of the test, and waits until it serves. */
  static async start(t: TestContext, place: Place): Promise<Instance> {
    const instance = await scope(t).use(new Instance(place));
    await instance.answer();
    return instance;
  }

  /** The stretches in which it has led, so far. */
  get led(): Stretch[] {
    return readJournal(this.place.journal).filter(({ instance }) => instance.endsWith(`:${this.pid}`));
  }

  /** Asks it over HTTP, once it serves. */
  async answer(): Promise<Answer> {
    const url = await until(() => {
      if (this.ended !== undefined) return 'ended';
      return /serves on (\S+)/.exec(this.stdout)?.[1];
    }, 'the instance serves');
    if (url === 'ended') throw new Error(`expected an instance that serves, it has ended:\n${this.stderr}`);
    const response = await fetch(url, { headers: { connection: 'close' } });
    // server.mjs answers exactly this.
    return (await response.json()) as Answer;
  }

  /** Waits until it leads, and has done some work since `since`. */
  async leads(since = 0, limitMs?: number): Promise<Stretch> {
    const work = () => this.led.filter(({ from }) => from >= since)[1];
    try {
      return await until(work, `instance ${this.pid} leads`, limitMs);
    } catch (cause) {
      throw new Error(`expected instance ${this.pid} to lead\n${this.stdout}${this.stderr}`, { cause });
    }
  }
}
