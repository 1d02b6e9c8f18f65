import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../../util/clock.js';
import { messageOf } from '../../util/errors.js';
import type { Log } from '../../util/log.js';

/** All that a name means now, the best first. */
export type Resolve = (name: string, options: LookupOptions) => Promise<readonly LookupAddress[]>;

/**
 * A resolver that has not answered by then is as good as none, ms. It often takes five seconds to give up one nameserver
 * (resolv.conf(5), `timeout`), and a lease of 15 s is given up after six without an answer.
 */
const PATIENCE_MS = 500;

/** As `getaddrinfo` says. Loaded when there is a name to look up. */
const resolveBySystem: Resolve = async (name, options) => {
  const { lookup } = await import('node:dns');
  return new Promise((resolve, reject) => {
    lookup(name, { ...options, all: true }, (error, addresses) => {
      if (error === null) resolve(addresses);
      else reject(error);
    });
  });
};

/**
 * The names of the servers. A name is looked up anew each time, as its server may have moved; but when nothing comes of that, what
 * it meant the last time is tried. A nameserver that is down together with a connection would otherwise cost a lock whose
 * servers are all well.
 */
export class Names {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #resolve: Resolve;
  readonly #known = new Map<string, readonly LookupAddress[]>();
  /** One question a name: each waits in one of the few threads that the process has, also for its files. */
  readonly #asking = new Map<string, Promise<readonly LookupAddress[]>>();
  readonly #told = new Set<string>();

  constructor(clock: Clock, log: Log, resolve: Resolve = resolveBySystem) {
    this.#clock = clock;
    this.#log = log;
    this.#resolve = resolve;
  }

  /** For `net.connect` and its like. */
  readonly lookup: LookupFunction = (name, options, callback) => {
    this.#addressesOf(name, options).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all) callback(null, [...addresses]);
        else if (first === undefined) callback(new Error(`${name} has no address`), '');
        else callback(null, first.address, first.family);
      },
      (error) => callback(error, ''),
    );
  };

  #addressesOf(name: string, options: LookupOptions): Promise<readonly LookupAddress[]> {
    const asked = this.#ask(name, options);
    const known = this.#known.get(name);
    if (known === undefined) return asked;
    return new Promise((resolve) => {
      const instead = (why: string) => {
        resolve(known);
        if (this.#told.has(name)) return;
        this.#told.add(name);
        const addresses = known.map(({ address }) => address).join(', ');
        this.#log.warn(
          { name },
          `${name} could not be looked up (${why}); trying what it meant last: ${addresses}`,
        );
      };
      const late = this.#clock.setTimer(PATIENCE_MS, () => instead(`no answer in ${PATIENCE_MS} ms`));
      asked.then(resolve, (error: unknown) => instead(messageOf(error))).finally(() => late.cancel());
    });
  }

  #ask(name: string, options: LookupOptions): Promise<readonly LookupAddress[]> {
    const under = this.#asking.get(name);
    if (under !== undefined) return under;
    const asked = this.#resolve(name, options);
    this.#asking.set(name, asked);
    asked
      .then(
        (addresses) => {
          this.#known.set(name, addresses);
          this.#told.delete(name);
        },
        () => {},
      )
      .finally(() => this.#asking.delete(name));
    return asked;
  }
}
