import { until } from '../../src/testing/until.js';
import type { Ensemble } from '../helpers/zookeeper.js';
import type { ZooKeeperServer } from '../helpers/zookeeper-server.js';
import type { ServerFault, Step } from './plan.js';
import { type Field, pause } from './strike.js';

/** How long a server may take to serve again after it was healed. */
const RECOVERY_LIMIT_MS = 30_000;

/** Breaks one server, and returns when all three serve again: two of them are always a quorum. */
export async function strikeServer(
  step: Step<ServerFault>,
  ensemble: Ensemble,
  field: Field,
  signal: AbortSignal,
): Promise<void> {
  const leader = await ensemble.leader();
  const server = targetOf(step, ensemble, leader);
  const part = server === leader ? 'the leader' : 'a follower';
  const lasts = step.kind === 'server restarted' ? '' : `, for ${Math.round(step.lastsMs)} ms`;
  field.say(`${step.kind}: server ${ensemble.servers.indexOf(server) + 1}, ${part}${lasts}`);
  const entry = field.faults.begin(step.kind, 'servers');
  await breakAndHeal(step, ensemble, server, signal);
  await allServe(ensemble);
  field.faults.end(entry);
  field.say('all servers serve');
}

function targetOf(step: Step<ServerFault>, ensemble: Ensemble, leader: ZooKeeperServer): ZooKeeperServer {
  const followers = ensemble.servers.filter((server) => server !== leader);
  const candidates =
    step.kind === 'leader cut off'
      ? [leader]
      : step.kind === 'follower cut off'
        ? followers
        : ensemble.servers;
  return candidates[Math.floor(step.choice * candidates.length)] ?? leader;
}

async function breakAndHeal(
  { kind, lastsMs }: Step<ServerFault>,
  ensemble: Ensemble,
  server: ZooKeeperServer,
  signal: AbortSignal,
): Promise<void> {
  switch (kind) {
    case 'server killed':
      await server.kill();
      await pause(lastsMs, signal);
      return server.launch();
    case 'server frozen':
      await server.freeze();
      await pause(lastsMs, signal);
      return server.thaw();
    case 'server restarted':
      await server.stop();
      return server.launch();
    default:
      ensemble.cut(server);
      await pause(lastsMs, signal);
      return ensemble.heal(server);
  }
}

/** Waits until each server says which part it has, and one leads. */
export async function allServe(ensemble: Ensemble): Promise<void> {
  await until(
    async () => {
      const modes = await Promise.all(ensemble.servers.map((server) => server.mode()));
      return modes.filter((mode) => mode === 'leader').length === 1 && !modes.includes(undefined);
    },
    'all servers serve',
    RECOVERY_LIMIT_MS,
  );
}
