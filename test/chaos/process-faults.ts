import type { ChaosRun, Contender } from './contender.js';
import { BEYOND_THE_PROMISE, type ProcessFault, type Step } from './plan.js';
import { type Field, nameOf, pause, targetOf, within } from './strike.js';

/**
 * Kills or freezes a supervisor, or a guardian, one at a time: both at once is outside of the promise. A guardian that
 * cannot do its work is noticed by its supervisor alone, so that nothing else is struck until that has acted.
 */
export async function strikeProcess(
  step: Step<ProcessFault>,
  field: Field,
  signal: AbortSignal,
): Promise<void> {
  const target = await targetOf(step, field, signal);
  const run = target?.run;
  if (target === undefined || run === undefined || signal.aborted) return;
  if (step.kind === 'supervisor killed') return killSupervisor(target, run, field);
  if (step.kind === 'supervisor frozen') return freezeSupervisor(step, target, run, field, signal);
  const guardian = target.guardian();
  if (step.kind === BEYOND_THE_PROMISE) return killBoth(guardian, target, run, field, signal);
  if (guardian === undefined) {
    field.say(`no guardian of ${run.name} to strike`);
    return;
  }
  run.guardianHurt = true;
  if (step.kind === 'guardian killed') return killGuardian(guardian, target, run, field);
  return freezeGuardian(guardian, step, target, run, field, signal);
}

function killSupervisor(target: Contender, run: ChaosRun, field: Field): void {
  field.say(`kill -9 of the supervisor of ${nameOf(target)}`);
  field.faults.end(field.faults.begin('supervisor killed', target.name));
  if (target.holds) field.kills.push({ run: run.name, at: performance.now() });
  run.killed = true;
  run.lockex.kill('SIGKILL');
}

/**
 * Of a holder whose daemons are there: nobody is left to end them. Both stand still before one of them dies, so that neither
 * sees the end of the other.
 */
async function killBoth(
  guardian: number | undefined,
  target: Contender,
  run: ChaosRun,
  field: Field,
  signal: AbortSignal,
): Promise<void> {
  if (!target.holds || !(await within(field.ttlMs, () => field.witness.isWhole(run.name), signal))) return;
  field.say(`kill -9 of supervisor and guardian of ${nameOf(target)}`);
  field.faults.end(field.faults.begin(BEYOND_THE_PROMISE, target.name));
  run.killed = true;
  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    if (guardian !== undefined) target.signalGuardian(guardian, signal);
    run.lockex.kill(signal);
  }
}

async function freezeSupervisor(
  step: Step,
  target: Contender,
  run: ChaosRun,
  field: Field,
  signal: AbortSignal,
): Promise<void> {
  field.say(`SIGSTOP to the supervisor of ${nameOf(target)}, for ${Math.round(step.lastsMs)} ms`);
  const entry = field.faults.begin('supervisor frozen', target.name);
  run.lockex.kill('SIGSTOP');
  await pause(step.lastsMs, signal);
  run.lockex.kill('SIGCONT');
  field.faults.end(entry);
  field.say(`SIGCONT to the supervisor of ${run.name}`);
}

async function killGuardian(guardian: number, target: Contender, run: ChaosRun, field: Field): Promise<void> {
  field.say(`kill -9 of the guardian of ${nameOf(target)}`);
  const held = target.holds;
  const entry = field.faults.begin('guardian killed', target.name);
  target.signalGuardian(guardian, 'SIGKILL');
  // One that waits has no tree yet, and needs no guardian until then. Lockex itself may stay to give the lock back, as long
  // as a frozen link makes that take.
  const ended = () => !target.holds || target.run !== run;
  if (held && !(await within(field.ttlMs, ended))) {
    field.violation(`the command of ${run.name} lives ${field.ttlMs} ms after its guardian was killed`);
  }
  field.faults.end(entry);
}

async function freezeGuardian(
  guardian: number,
  step: Step,
  target: Contender,
  run: ChaosRun,
  field: Field,
  signal: AbortSignal,
): Promise<void> {
  const both = step.kind === 'guardian and link frozen';
  // Beyond the time at which the next in line is granted the lock.
  const lastsMs = both ? 1.5 * field.ttlMs : step.lastsMs;
  const what = both ? 'link frozen, and SIGSTOP' : 'SIGSTOP';
  field.say(`${what} to the guardian of ${nameOf(target)}, for ${Math.round(lastsMs)} ms`);
  const entry = field.faults.begin(both ? step.kind : 'guardian frozen', target.name);
  target.signalGuardian(guardian, 'SIGSTOP');
  if (both) target.link.mode = 'blackhole';
  await pause(lastsMs, signal);
  if (both) target.link.mode = 'pass';
  target.signalGuardian(guardian, 'SIGCONT');
  field.faults.end(entry);
  field.say(`SIGCONT to the guardian of ${run.name}, if it is there still`);
}
