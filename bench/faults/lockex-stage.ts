import { until } from '../../src/testing/until.js';
import { type Lockex, lockex } from '../../test/helpers/lockex.js';
import { startProxy } from '../../test/helpers/proxy.js';
import type { Run } from '../../test/helpers/run.js';
import { startEnsemble, startZooKeeper } from '../../test/helpers/zookeeper.js';
import { SESSION_S, type Stage } from './stage.js';
import type { Place } from './witness.js';

/** ZooKeeper's own default, ms. A session of two ticks is the shortest that is legal, and the worst case for a lease. */
const TICK_MS = 2_000;

/** What is the same on every network; `hosts` are the servers that a contender is given. */
function contender(
  hosts: string,
  lock: string,
  options: readonly string[],
  command: readonly string[],
): Lockex {
  const args = ['--log-format', 'json', '-z', hosts, '-T', String(SESSION_S), '-i', lock];
  return lockex([...args, ...options, '--', ...command]);
}

async function inLine(next: Run): Promise<void> {
  await until(() => next.stderr.includes('in line') || next.ended, 'the second lockex is in line');
}

/** One server; the holder reaches it through a proxy that can go silent. */
export async function singleServer(options: readonly string[]): Promise<Stage> {
  const zookeeper = await startZooKeeper({ tickTime: TICK_MS });
  const proxy = await startProxy(zookeeper.address);
  const hosts: Record<Place, string> = { holder: proxy.address, next: zookeeper.address };
  return {
    contend: async (place, lock, command) => contender(hosts[place], lock, options, command),
    inLine,
    cut: () => {
      proxy.mode = 'blackhole';
    },
    heal: () => {
      proxy.mode = 'pass';
    },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await zookeeper[Symbol.asyncDispose]();
    },
  };
}

/** Three servers; the holder is at a follower that is cut off from its peers, and goes on reaching it. */
export async function cutFollower(options: readonly string[]): Promise<Stage> {
  const ensemble = await startEnsemble(3, { tickTime: TICK_MS });
  const follower = await until(async () => (await ensemble.followers())[0], 'one server follows');
  const others = ensemble.servers.filter((server) => server !== follower).map((server) => server.address);
  const hosts: Record<Place, string> = { holder: follower.address, next: others.join(',') };
  return {
    contend: async (place, lock, command) => {
      // After the round before it has to find its leader again.
      await until(async () => (await follower.mode()) === 'follower', 'the server follows', 30_000);
      return contender(hosts[place], lock, options, command);
    },
    inLine,
    cut: () => ensemble.cut(follower),
    heal: () => ensemble.heal(follower),
    [Symbol.asyncDispose]: () => ensemble[Symbol.asyncDispose](),
  };
}
