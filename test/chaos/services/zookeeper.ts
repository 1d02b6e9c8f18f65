import { until } from '../../../src/testing/until.js';
import type { BreakableServer } from '../../helpers/lock-services/service.js';
import { Probe } from '../../helpers/zk-probe.js';
import { type Ensemble, startEnsemble } from '../../helpers/zookeeper.js';
import type { ZooKeeperServer } from '../../helpers/zookeeper-server.js';
import { SERVER_FAULTS, type ServerFault } from '../plan.js';
import type { ChaosService } from './service.js';

/** How long a server may take to serve again after it was healed. */
const RECOVERY_LIMIT_MS = 30_000;
/** The servers' tick (`startEnsemble`), ms. */
const TICK_MS = 500;

/** Three servers with a leader. */
export class ZooKeeperService implements ChaosService {
  readonly faults = SERVER_FAULTS;
  readonly fencing = true;
  readonly #ensemble: Ensemble;

  constructor(ensemble: Ensemble) {
    this.#ensemble = ensemble;
  }

  static async start(): Promise<ZooKeeperService> {
    return new ZooKeeperService(await startEnsemble(3));
  }

  get servers(): readonly ZooKeeperServer[] {
    return this.#ensemble.servers;
  }

  urlOf(addresses: readonly string[]): string {
    return `zk://${addresses.join(',')}`;
  }

  recoveryMs(ttlMs: number): number {
    return ttlMs + 4 * TICK_MS;
  }

  async targetsOf(fault: ServerFault): Promise<readonly ZooKeeperServer[]> {
    const leader = await this.#ensemble.leader();
    if (fault === 'leader cut off') return [leader];
    if (fault === 'follower cut off') return this.servers.filter((server) => server !== leader);
    return this.servers;
  }

  cut(server: BreakableServer): void {
    this.#ensemble.cut(this.#known(server));
  }

  heal(server: BreakableServer): void {
    this.#ensemble.heal(this.#known(server));
  }

  /** Each server says which part it has, and one leads. */
  async serves(): Promise<void> {
    await until(
      async () => {
        const modes = await Promise.all(this.servers.map((server) => server.mode()));
        return modes.filter((mode) => mode === 'leader').length === 1 && !modes.includes(undefined);
      },
      'all servers serve',
      RECOVERY_LIMIT_MS,
    );
  }

  async leftAt(resource: string): Promise<readonly string[]> {
    await using probe = await Probe.open(this.#ensemble.hosts);
    const path = `/${resource}`;
    return (await probe.exists(path)) ? probe.children(path) : [];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#ensemble[Symbol.asyncDispose]();
  }

  #known(server: BreakableServer): ZooKeeperServer {
    const found = this.servers.find((each) => each === server);
    if (found === undefined) throw new Error(`no server of ours is at ${server.address}`);
    return found;
  }
}
