import { openBackend } from '../../../src/backend/registry.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';
import type { BreakableServer, LockService } from '../../helpers/lock-services/service.js';
import type { ServerFault } from '../plan.js';
import type { ChaosService } from './service.js';

/** What can be done to servers of any kind. */
const FAULTS = ['server killed', 'server frozen', 'server restarted'] as const;

/** A service whose servers are struck one by one, whatever they say to each other. */
export class PlainService implements ChaosService {
  readonly #service: Omit<LockService, 'deleteLock'>;
  readonly #slackMs: number;
  readonly fencing: boolean;
  readonly faults: readonly ServerFault[];

  /** @param slackMs what may go by beyond the timeout, ms, until somebody holds again */
  constructor(
    service: Omit<LockService, 'deleteLock'>,
    {
      fencing,
      slackMs,
      faults = FAULTS,
    }: { fencing: boolean; slackMs: number; faults?: readonly ServerFault[] },
  ) {
    this.#service = service;
    this.fencing = fencing;
    this.#slackMs = slackMs;
    this.faults = faults;
  }

  get servers(): readonly BreakableServer[] {
    return this.#service.servers;
  }

  urlOf(addresses: readonly string[]): string {
    return this.#service.urlOf(addresses);
  }

  recoveryMs(ttlMs: number): number {
    return ttlMs + this.#slackMs;
  }

  async targetsOf(): Promise<readonly BreakableServer[]> {
    return this.servers;
  }

  cut(server: BreakableServer): void {
    throw new Error(`${server.address} has no peers that it could be cut off from`);
  }

  heal(server: BreakableServer): void {
    this.cut(server);
  }

  serves(): Promise<void> {
    return this.#service.serves();
  }

  /** As the product itself sees it. */
  async leftAt(resource: string): Promise<readonly string[]> {
    const options = {
      ttlMs: 10_000,
      connectLimitMs: 5000,
      connectAttempts: 10,
      clock: systemClock,
      log: silentLog,
    };
    const url = this.urlOf(this.servers.map(({ address }) => address));
    const { signal } = new AbortController();
    await using backend = await openBackend(url, options, signal);
    const left = await backend.contenders(resource, signal);
    return left.map(({ state, host, pid }) => `${state}: ${host}:${pid}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service[Symbol.asyncDispose]();
  }
}
