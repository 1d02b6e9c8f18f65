import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Names } from '../../../src/backend/zookeeper/names.js';
import type { Log } from '../../../src/util/log.js';
import { ManualClock } from '../../helpers/manual-clock.js';

/** A resolver that answers when it is told to. */
class Resolver {
  asked = 0;
  #answer: ((addresses: readonly LookupAddress[]) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  readonly resolve = (): Promise<readonly LookupAddress[]> => {
    this.asked += 1;
    return new Promise((resolve, reject) => {
      this.#answer = resolve;
      this.#fail = reject;
    });
  };

  async says(...addresses: readonly string[]): Promise<void> {
    this.#answer?.(addresses.map((address) => ({ address, family: 4 })));
    await turn();
  }

  async fails(message: string): Promise<void> {
    this.#fail?.(new Error(message));
    await turn();
  }
}

/** Long enough for all that hangs on a promise that was settled. */
const turn = promisify(setImmediate);

function setUp() {
  const clock = new ManualClock();
  const resolver = new Resolver();
  const told: string[] = [];
  const write = (_fields: object, message: string) => void told.push(message);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const names = new Names(clock, log, resolver.resolve);
  /** What is known of the outcome by now. */
  const lookUp = () => {
    const seen: { outcome?: unknown } = {};
    names.lookup('zk', { all: true }, (error, addresses) => {
      seen.outcome =
        error?.message ?? (Array.isArray(addresses) ? addresses.map(({ address }) => address) : addresses);
    });
    return seen;
  };
  return { clock, resolver, told, lookUp };
}

test('a name that was never resolved is waited for, and its failure told', async () => {
  const { clock, resolver, told, lookUp } = setUp();
  const first = lookUp();
  clock.advance(10_000);
  await turn();
  assert.equal(first.outcome, undefined);
  await resolver.fails('getaddrinfo ENOTFOUND zk');
  assert.equal(first.outcome, 'getaddrinfo ENOTFOUND zk');
  assert.deepEqual(told, []);
});

test('a name is resolved anew each time, as its server may have moved', async () => {
  const { resolver, lookUp } = setUp();
  lookUp();
  await resolver.says('10.0.0.1');
  const second = lookUp();
  await resolver.says('10.0.0.2', '10.0.0.3');
  assert.deepEqual(second.outcome, ['10.0.0.2', '10.0.0.3']);
});

test('when the nameservers fail or are silent, what the name meant last is tried, which is said once', async () => {
  const { clock, resolver, told, lookUp } = setUp();
  lookUp();
  await resolver.says('10.0.0.1');
  const failed = lookUp();
  await resolver.fails('getaddrinfo EAI_AGAIN zk');
  assert.deepEqual(failed.outcome, ['10.0.0.1']);
  const silent = lookUp();
  await turn();
  assert.equal(silent.outcome, undefined, 'not before it had some time');
  clock.advance(500);
  await turn();
  assert.deepEqual(silent.outcome, ['10.0.0.1']);
  assert.deepEqual(told, [
    'zk could not be looked up (getaddrinfo EAI_AGAIN zk); trying what it meant last: 10.0.0.1',
  ]);
});

test('one question at a time is asked of silent nameservers, and a late answer is good for the next attempt', async () => {
  const { clock, resolver, lookUp } = setUp();
  lookUp();
  await resolver.says('10.0.0.1');
  for (let attempt = 0; attempt < 5; attempt += 1) {
    lookUp();
    clock.advance(500);
  }
  assert.equal(resolver.asked, 2);
  await resolver.says('10.0.0.9');
  const next = lookUp();
  clock.advance(500);
  await turn();
  assert.deepEqual(next.outcome, ['10.0.0.9']);
});
