import type { Lease } from '../backend/contract.js';
import type { Child, SignalName } from '../child/child.js';
import { whenAborted } from '../util/abort.js';
import { LeaseLostError, messageOf } from '../util/errors.js';
import { type Ending, killTimeOf, meaningOf, outcomeOf } from './endings.js';
import { commandEnvironment } from './environment.js';
import type { Job, Outcome, World } from './job.js';
import { Patience } from './patience.js';
import { Suspension } from './suspension.js';

/**
 * Runs the command under a lease until its whole tree is gone. All endings meet here: the first one names the
 * outcome, a later one may only shorten the stop. The lease is the caller's to release, once this has settled.
 * @throws CommandError when the command cannot be started; the reason of `world.bug`
 */
export async function runUnder(lease: Lease, job: Job, world: World): Promise<Outcome> {
  const env = commandEnvironment(job.env, job.claim, job.lockId, lease);
  // From here on, and before the command has started: a signal that comes meanwhile is for it.
  const early: SignalName[] = [];
  let receive = (name: SignalName): void => void early.push(name);
  const unsubscribe = world.signals.subscribe((name) => receive(name));
  try {
    await world.handOver();
    if (lease.isLost()) return lostBeforeStart(lease, world);
    const { command } = job;
    const child = await world.stage.spawn({ command, env, killAt: killTimeOf(lease) });
    const run = new Run(child, lease, job, world);
    receive = (name) => run.onSignal(name);
    for (const name of early) run.onSignal(name);
    return await run.outcome();
  } finally {
    unsubscribe();
  }
}

/** What a lease that did not live until the start of the command ends in. */
export function lostBeforeStart(lease: Lease, { log }: World): Outcome {
  const error = lease.lost.reason;
  log.error({ cause: error.lossCause }, `lock lost: ${error.message}; the command was not started`);
  return { how: 'lease-lost', error };
}

/** One command that has been started. */
class Run {
  readonly #child: Child;
  readonly #lease: Lease;
  readonly #job: Job;
  readonly #world: World;
  readonly #patience: Patience;
  readonly #suspension: Suspension;
  readonly #sent = new Set<SignalName>(['SIGKILL']);
  #ending: Ending | undefined;
  readonly #first: Promise<Ending>;
  #settle: (ending: Ending) => void = () => {};

  constructor(child: Child, lease: Lease, job: Job, world: World) {
    this.#child = child;
    this.#lease = lease;
    this.#job = job;
    this.#world = world;
    this.#patience = new Patience(world.clock);
    this.#suspension = new Suspension(child, world.signals, world.clock, world.log);
    this.#first = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  async outcome(): Promise<Outcome> {
    const keep = () => this.#child.keep(killTimeOf(this.#lease));
    const unheard = [
      whenAborted(this.#lease.lost, () => this.#onLost()),
      whenAborted(this.#world.bug, () => this.#onBug()),
      whenAborted(this.#child.unguarded, () => this.#onUnguarded()),
      this.#lease.onRenewed(keep),
    ];
    keep();
    this.#child.exited.then(() => {
      // A lease that a freeze has used up was lost before the command ended, whatever is heard of first.
      this.#lease.isLost();
      this.#end({ why: 'command-ended' });
    });
    try {
      const ending = await this.#first;
      await this.#child.stop(this.#stopSignal(ending), this.#patience.ended);
      return outcomeOf(ending, await this.#child.exited, this.#sent);
    } finally {
      for (const forget of unheard) forget();
      this.#patience.cancel();
      this.#suspension.end();
    }
  }

  #end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#patience.endBy(this.#world.clock.now() + this.#job.killAfterMs);
    this.#settle(ending);
  }

  /** What the tree is sent first. A command that ended by itself may have left others behind. */
  #stopSignal(ending: Ending): SignalName {
    const name = ending.why === 'told-to-stop' && ending.by === 'SIGINT' ? 'SIGINT' : this.#job.stopSignal;
    this.#sent.add(name);
    return name;
  }

  #onLost(): void {
    const { log, clock } = this.#world;
    const error = this.#lease.lost.reason;
    const killAt = killTimeOf(this.#lease);
    const graceMs = Math.max(0, Math.round(killAt - clock.now()));
    log.error(
      { cause: error.lossCause, graceMs },
      `lock lost: ${error.message}; ${stopText(graceMs, this.#job.stopSignal)}`,
    );
    this.#patience.endBy(killAt);
    this.#end({ why: 'lease-lost', error });
  }

  /** Nobody would end the tree if we died now: it is ended while we live. */
  #onUnguarded(): void {
    const { reason } = this.#child.unguarded;
    const error = new LeaseLostError('unguarded', messageOf(reason), 0);
    if (this.#ending === undefined) {
      const message = `lock given up: ${error.message}; killing the command now`;
      this.#world.log.error({ cause: error.lossCause }, message);
    }
    this.#patience.endNow();
    this.#end({ why: 'lease-lost', error });
  }

  #onBug(): void {
    this.#patience.endNow();
    this.#end({ why: 'bug', error: this.#world.bug.reason });
  }

  /** A signal came to lockex. */
  onSignal(name: SignalName): void {
    const { log, signals } = this.#world;
    this.#lease.isLost();
    const delivered = signals.deliveredByTerminal(name);
    const meaning = meaningOf(name, delivered);
    if (name === 'SIGTERM' || name === 'SIGINT') {
      if (this.#ending !== undefined) {
        log.warn({ signal: name }, `${name} again while stopping: killing what is left`);
        this.#patience.endNow();
        return;
      }
      if (meaning === 'stop') {
        log.info({ signal: name, killAfterMs: this.#job.killAfterMs }, `${name}: stopping the command`);
        this.#end({ why: 'told-to-stop', by: name });
        return;
      }
    }
    // In a shared group the command has had it, too. Not asked is whether we are in the background: the shell may have
    // brought us to the foreground since.
    const ofTerminal = this.#child.group === 'shared' && (name === 'SIGTTIN' || name === 'SIGTTOU');
    if (ofTerminal) this.#suspension.usedTerminalInBackground();
    else if (meaning === 'forward') this.#child.signal(name);
    else if (name === 'SIGTSTP') this.#suspension.keyPressed();
  }
}

function stopText(graceMs: number, signal: SignalName): string {
  return graceMs === 0 ? 'killing the command now' : `${signal} to the command now, SIGKILL in ${graceMs} ms`;
}
