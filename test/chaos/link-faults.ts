import type { ProxyMode } from '../helpers/proxy.js';
import type { LinkFault, Step } from './plan.js';
import { type Field, nameOf, pause, targetOf } from './strike.js';

const MODES: Readonly<Record<Exclude<LinkFault, 'link reset'>, ProxyMode>> = {
  'link frozen': 'blackhole',
  'link frozen towards the client': 'dropToClient',
  'link frozen towards the servers': 'dropToServer',
};

/** Freezes a contender's link, one way or both, or resets its connections. */
export async function strikeLink(step: Step<LinkFault>, field: Field, signal: AbortSignal): Promise<void> {
  const target = await targetOf(step, field, signal);
  if (target === undefined || signal.aborted) return;
  if (step.kind === 'link reset') {
    field.say(`link reset: ${nameOf(target)}`);
    field.faults.end(field.faults.begin(step.kind, target.name));
    target.link.reset();
    return;
  }
  field.say(`${step.kind}: ${nameOf(target)}, for ${Math.round(step.lastsMs)} ms`);
  const entry = field.faults.begin(step.kind, target.name);
  target.link.mode = MODES[step.kind];
  await pause(step.lastsMs, signal);
  target.link.mode = 'pass';
  field.faults.end(entry);
  field.say(`link healed: ${target.name}`);
}
