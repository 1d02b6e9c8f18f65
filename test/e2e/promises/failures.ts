import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { openBackend, serviceOf } from '../../../src/backend/registry.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';
import { ContenderLink } from '../../chaos/contender-link.js';
import type { LockService } from '../../helpers/lock-services/service.js';
import type { Lockex } from '../../helpers/lockex.js';
import { alive } from '../../helpers/processes.js';
import { scope } from '../../helpers/scope.js';
import { freshLock, run, running, waiting } from '../stage.js';
import { assertGone, assertOneError, type Holder, hold, holderOf, takesOver, witness } from '../witness.js';
import {
  type Column,
  EVENTS,
  type Event,
  type Kept,
  PROMISES,
  SERVICES,
  type ServiceName,
} from './promises.js';

/** A holder with a link of its own, and a second run in line behind it. */
interface Scene {
  readonly service: LockService;
  readonly link: ContenderLink;
  readonly lock: string;
  readonly ttlMs: number;
  readonly first: Holder;
  readonly second: Lockex;
  /** Waits behind it, and takes no other place in line when it loses that one. Where the service goes down only. */
  readonly third: Lockex | undefined;
  /** Whether there is a line to stand in. */
  readonly fair: boolean;
}

/** Longer than a hand-over at once takes on a busy machine, and far less than the timeouts here. */
const AT_ONCE_MS = 2500;

/** All processes of a run, its guardian included: what a host takes with it. */
function wholeOf({ it, tree, guardian }: Holder): number[] {
  return [...new Set([it.pid, guardian, ...tree, ...it.tree()])];
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone in the meantime.
    }
  }
}

/** Waits until the command is dead, while nobody can have the lock. */
async function isDead({ tree }: Holder): Promise<void> {
  await until(() => tree.filter(alive).length === 0, 'all is dead while the service is away', 30_000);
}

/** Waits until the service was away for longer than the timeout, and the command is dead, while nobody can have the lock. */
async function outlasts({ first, ttlMs }: Scene, since: number): Promise<void> {
  await isDead(first);
  await until(() => performance.now() - since > 1.1 * ttlMs, 'the timeout has passed', 60_000);
}

/** Who stands in a line has lost the place there by now, and says so; who stands in none goes on asking. */
async function losesItsPlace(it: Lockex | undefined, fair: boolean): Promise<void> {
  if (it === undefined) return;
  if (!fair) {
    assert.equal(it.ended, undefined, it.stderr);
    it.kill('SIGTERM');
    assert.deepEqual(await it.exited, { code: 143, signal: null }, it.stderr);
    return;
  }
  await until(() => it.ended !== undefined, 'who waits has given up', 30_000);
  assert.deepEqual(await it.exited, { code: 69, signal: null }, it.stderr);
  assertOneError(it, /no etcd server answered for|session timeout/);
}

/** What happens, from the outside. Returns what heals it, where the next one needs that. */
const BREAK: Readonly<Record<Event, (scene: Scene) => Promise<(() => Promise<void> | void) | undefined>>> = {
  async ends({ first }) {
    process.kill(first.tree[0] ?? 0, 'SIGKILL');
    return undefined;
  },
  async killed({ first }) {
    first.it.kill('SIGKILL');
    return undefined;
  },
  async frozen({ first }) {
    first.it.kill('SIGSTOP');
    return () => void first.it.kill('SIGCONT');
  },
  async unguarded({ first }) {
    process.kill(first.guardian, 'SIGKILL');
    return undefined;
  },
  async lost({ link, first }) {
    link.mode = 'blackhole';
    signalAll(wholeOf(first), 'SIGKILL');
    return undefined;
  },
  async asleep({ first, second }) {
    const all = wholeOf(first);
    signalAll(all, 'SIGSTOP');
    const wake = () => signalAll(all, 'SIGCONT');
    // A guardian that is left asleep would outlive a test that fails.
    await running(second).catch((error: unknown) => {
      wake();
      throw error;
    });
    return wake;
  },
  async silence({ link }) {
    link.mode = 'blackhole';
    return undefined;
  },
  async blink({ link, ttlMs }) {
    link.mode = 'blackhole';
    const end = performance.now() + ttlMs / 10;
    await until(() => performance.now() > end, 'the link was silent');
    link.mode = 'pass';
    return undefined;
  },
  async restart({ service }) {
    for (const server of service.servers) await server.kill();
    for (const server of service.servers) await server.launch();
    await service.serves();
    return undefined;
  },
  async down(scene) {
    const { service, third, fair } = scene;
    const since = performance.now();
    for (const server of service.servers) await server.kill();
    await outlasts(scene, since);
    await losesItsPlace(third, fair);
    for (const server of service.servers) await server.launch();
    await service.serves();
    return undefined;
  },
  async 'server-frozen'(scene) {
    const { service } = scene;
    const since = performance.now();
    for (const server of service.servers) await server.freeze();
    await outlasts(scene, since);
    for (const server of service.servers) server.thaw();
    await service.serves();
    return undefined;
  },
  async one({ service }) {
    await service.servers[0]?.kill();
    return undefined;
  },
  async deleted({ service, lock }) {
    await service.deleteLock(`lockex/${lock}`);
    return undefined;
  },
};

/** What has to be seen then. */
const ASSERT: Readonly<
  Record<Kept, (scene: Scene, since: number, heal: (() => unknown) | undefined) => Promise<void>>
> = {
  async 'at once'({ first, second }, since) {
    await takesOver(second, first);
    const ms = performance.now() - since;
    assert.ok(ms < AT_ONCE_MS, `the next one ran ${Math.round(ms)} ms later`);
    await assertGone(first);
  },
  async 'after ttl'({ first, second, ttlMs }, since) {
    await takesOver(second, first);
    const ms = performance.now() - since;
    assert.ok(ms > ttlMs / 2, `the next one ran ${Math.round(ms)} ms later`);
    await assertGone(first);
  },
  async stopped({ first, second }, _since, heal) {
    await takesOver(second, first);
    await heal?.();
    assert.deepEqual(await first.it.exited, { code: 75, signal: null }, first.it.stderr);
    await assertGone(first);
  },
  async untouched({ first, second, ttlMs }, since, heal) {
    await until(() => performance.now() - since > 1.5 * ttlMs, 'a lost lease would have ended it', 60_000);
    assert.deepEqual(
      first.tree.filter((pid) => !alive(pid)),
      [],
      first.it.stderr,
    );
    assert.equal(first.it.hasLogged('lock lost'), false, first.it.stderr);
    assert.equal(second.stdout, '');
    await heal?.();
    first.it.kill('SIGTERM');
    await takesOver(second, first);
  },
  async 'both for a moment'({ first, second }, _since, heal) {
    await heal?.();
    await until(() => first.it.ended !== undefined, 'the holder has noticed', 30_000);
    assert.deepEqual(await first.it.exited, { code: 75, signal: null }, first.it.stderr);
    // When a whole host wakes, the guardian may say so beside it.
    if (heal === undefined) assertOneError(first.it, /^lock lost: /);
    else assert.ok(first.it.hasLogged('lock lost: '), first.it.stderr);
    await holderOf(second);
    await assertGone(first);
  },
};

/**
 * The tests of one column of `docs/backends.md`.
 * @param ttlSeconds the timeout of the runs
 * @param startThree three servers that may lose one of them, where the promises speak of that
 */
export function failureTests(
  name: ServiceName,
  ttlSeconds: number,
  start: () => Promise<LockService>,
  startThree?: () => Promise<LockService>,
): void {
  const { traits, promises }: Column = SERVICES[name];
  let service: LockService;
  before(async () => {
    service = await start();
  });
  after(() => service[Symbol.asyncDispose]());

  const setUp = async (t: TestContext, used: LockService, event: Event): Promise<Scene> => {
    const its = scope(t);
    const addresses = used.servers.map(({ address }) => address);
    const link = await its.use(ContenderLink.open(addresses));
    const lock = freshLock();
    const options = ['-i', lock, '-T', String(ttlSeconds), '-k', '0.2'];
    const command = await witness(t);
    const first = await hold(t, used.urlOf(link.addresses), options, command);
    // Who waits loses the place in line when the service is away for a timeout, as whoever holds loses the lock: the next one
    // is who takes another.
    const second = await run(t, used.urlOf(addresses), [...options, '-r', '-1'], command);
    await waiting(second);
    const third = event === 'down' ? await run(t, used.urlOf(addresses), options, command) : undefined;
    if (third !== undefined) await waiting(third);
    const fair = traits.queue === 'fair';
    return { service: used, link, lock, ttlMs: ttlSeconds * 1000, first, second, third, fair };
  };

  test(`${name}: can do what its column says`, async () => {
    const options = {
      ttlMs: ttlSeconds * 1000,
      connectLimitMs: 10_000,
      connectAttempts: 10,
      clock: systemClock,
      log: silentLog,
    };
    const url = service.urlOf(service.servers.map(({ address }) => address));
    await using backend = await openBackend(url, options, new AbortController().signal);
    assert.deepEqual(backend.traits, traits);
    assert.deepEqual(serviceOf(url).traits(url), traits, 'before it is opened, too');
  });

  for (const [event, what] of Object.entries(EVENTS)) {
    // `Object.entries` widens the keys to string; they are the table's own.
    const promise = promises[event as Event];
    if (promise === 'none') continue;
    test(`${name}: when ${what}: ${PROMISES[promise]}`, async (t) => {
      const three = event === 'one' ? await startThree?.() : undefined;
      if (three !== undefined) await scope(t).use(three);
      const scene = await setUp(t, three ?? service, event as Event);
      const since = performance.now();
      const heal = await BREAK[event as Event](scene);
      try {
        await ASSERT[promise](scene, since, heal);
      } finally {
        await heal?.();
      }
    });
  }
}
