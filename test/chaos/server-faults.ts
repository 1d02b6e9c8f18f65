import type { BreakableServer } from '../helpers/lock-services/service.js';
import type { ServerFault, Step } from './plan.js';
import type { ChaosService } from './services/service.js';
import { type Field, pause } from './strike.js';

/** Breaks one server, and returns when all serve again. */
export async function strikeServer(
  step: Step<ServerFault>,
  service: ChaosService,
  field: Field,
  signal: AbortSignal,
): Promise<void> {
  const targets = await service.targetsOf(step.kind);
  const server = targets[Math.floor(step.choice * targets.length)];
  if (server === undefined) return;
  const lasts = step.kind === 'server restarted' ? '' : `, for ${Math.round(step.lastsMs)} ms`;
  field.say(`${step.kind}: server ${service.servers.indexOf(server) + 1}${lasts}`);
  const entry = field.faults.begin(step.kind, 'servers');
  await breakAndHeal(step, service, server, signal);
  await service.serves();
  field.faults.end(entry);
  field.say('all servers serve');
}

async function breakAndHeal(
  { kind, lastsMs }: Step<ServerFault>,
  service: ChaosService,
  server: BreakableServer,
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
      service.cut(server);
      await pause(lastsMs, signal);
      return service.heal(server);
  }
}
