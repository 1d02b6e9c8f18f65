import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../src/testing/until.js';
import { expectNoProcessWithEnv } from '../helpers/processes.js';
import type { ChaosService } from './services/service.js';
import type { ChaosSettings } from './settings.js';
import type { Witness } from './witness.js';

/**
 * After all contenders have been stopped politely: no process, no lock of the kernel, no node.
 * @throws Error that names what is left
 */
export async function expectNothingLeft(
  service: ChaosService,
  settings: ChaosSettings,
  witness: Witness,
  mark: string,
): Promise<void> {
  await expectNoProcessWithEnv(mark);
  for (let slot = 1; slot <= settings.permits; slot += 1) {
    const file = join(witness.path, `slot-${slot}`);
    if (existsSync(file)) execFileSync('flock', ['--nonblock', '--exclusive', file, 'true']);
  }
  // A session whose supervisor was killed just before the end has to expire, if its link was frozen.
  const resource = `chaos/of-${settings.permits}`;
  await until(
    async () => (await service.leftAt(resource)).length === 0,
    `no contender is left at ${resource}`,
    2 * settings.ttlMs + 5000,
  );
}
