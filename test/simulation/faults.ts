import type { Contender } from './contender.js';
import type { Disturbance } from './disturbance.js';
import type { Ensemble } from './ensemble.js';
import type { Random } from './random.js';
import type { Server } from './server.js';
import type { Wire } from './wire.js';

export interface Stage {
  readonly ensemble: Ensemble;
  readonly contenders: readonly Contender[];
  readonly random: Random;
}

type Fault = (stage: Stage, target: Target, lastsMs: number) => Disturbance | undefined;

/** Whom it hits: often who holds, and the server that it is at. */
interface Target {
  readonly contender: Contender;
  readonly server: Server;
}

/** How often each is drawn. Those that only hit together are drawn more often. */
const FAULTS: readonly (readonly [number, Fault])[] = [
  [4, silenceHost],
  [2, silenceOneWay],
  [2, resetConnection],
  [2, isolateServer],
  [4, partition],
  [5, lateReply],
  [1, cutFromLeader],
  [1, killServer],
  [3, stopSupervisor],
  [2, handOverToOneStopped],
  [3, stopSupervisorInMidStep],
  [2, killSupervisor],
  [2, stopGuardian],
  [1, stopGuardianOfOneCutOff],
  [1, killGuardian],
  [1, tellToStop],
];

const DRAWN = FAULTS.flatMap(([weight, fault]) => Array.from({ length: weight }, () => fault));

/** The faults of one schedule. Supervisor and guardian of one contender are never hit both, and one contender has neither. */
export class Faults {
  readonly #stage: Stage;
  readonly disturbances: Disturbance[] = [];
  /** Whose supervisor or guardian was hit. */
  readonly #hit = new Set<Contender>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** When the last one is over, virtual ms; its aftermath may go on. */
  over = 0;

  /** Draws and foresees them all. */
  foresee(): void {
    const { ensemble, random } = this.#stage;
    const { timeline, ttlMs } = ensemble;
    const first = random.between(0, ttlMs / 2);
    const count = 1 + random.below(4);
    for (let index = 0; index < count; index += 1) {
      // Some follow each other closely: the worst is what happens in the middle of something else.
      const at = random.chance(0.5) ? first + random.between(0, ttlMs / 2) : random.between(0, ttlMs);
      const lasts = random.pick([
        random.between(0, ttlMs / 4),
        random.between(0, ttlMs),
        random.between(0, 1.6 * ttlMs),
      ]);
      const fault = random.pick(DRAWN);
      this.over = Math.max(this.over, at + lasts);
      timeline.at(at, () => this.#strike(fault, lasts));
    }
  }

  #strike(fault: Fault, lasts: number): void {
    const { ensemble, contenders, random } = this.#stage;
    const holders = contenders.filter((one) => one.isHolding);
    const contender = random.pick(holders.length > 0 && random.chance(0.7) ? holders : contenders);
    const theirs = contender.session?.connection?.server;
    const server = theirs !== undefined && random.chance(0.7) ? theirs : random.pick(ensemble.servers);
    if (PROCESS_FAULTS.has(fault)) {
      if (this.#hit.has(contender) || this.#hit.size + 1 === contenders.length) return;
      this.#hit.add(contender);
    }
    const disturbance = fault(this.#stage, { contender, server }, lasts);
    if (disturbance !== undefined) this.disturbances.push(disturbance);
  }
}

const PROCESS_FAULTS: ReadonlySet<Fault> = new Set([
  stopSupervisor,
  stopSupervisorInMidStep,
  handOverToOneStopped,
  killSupervisor,
  stopGuardian,
  stopGuardianOfOneCutOff,
  killGuardian,
]);

/** TCP sends again at ever longer intervals: what was lost comes some time after the way is open. */
function hush(
  stage: Stage,
  wires: readonly Wire[],
  lasts: number,
  slowest = stage.ensemble.ttlMs / 10,
): Disturbance {
  const { timeline } = stage.ensemble;
  const again = stage.random.between(0, slowest);
  for (const wire of wires) wire.silence();
  timeline.in(lasts, () => {
    for (const wire of wires) wire.heal(again);
  });
  return { from: timeline.now, to: timeline.now + lasts + again };
}

function silenceHost(stage: Stage, { contender }: Target, lasts: number): Disturbance {
  stage.ensemble.timeline.say?.(`${contender.name} is cut off for ${Math.round(lasts)} ms`);
  return hush(
    stage,
    contender.links.flatMap(({ up, down }) => [up, down]),
    lasts,
  );
}

function silenceOneWay(stage: Stage, { contender }: Target, lasts: number): Disturbance {
  const way = stage.random.pick(['up', 'down'] as const);
  stage.ensemble.timeline.say?.(`${contender.name} is cut off one way (${way}) for ${Math.round(lasts)} ms`);
  return hush(
    stage,
    contender.links.map((link) => link[way]),
    lasts,
  );
}

function resetConnection(stage: Stage, { contender }: Target): Disturbance {
  const { timeline, ttlMs } = stage.ensemble;
  timeline.say?.(`${contender.name}'s connection is reset`);
  contender.session?.connection?.reset();
  return { from: timeline.now, to: timeline.now + ttlMs / 20 };
}

/** A contender and a server on the one side, all others on the other: the server answers, and has no leader. */
function partition(stage: Stage, target: Target, lasts: number): Disturbance {
  const { contender, server } = target;
  const cut = isolateServer(stage, target, lasts);
  stage.ensemble.timeline.say?.(`${contender.name} reaches server ${server.id} alone`);
  const others = contender.links.filter((_, id) => id !== server.id);
  hush(
    stage,
    others.flatMap(({ up, down }) => [up, down]),
    lasts,
  );
  return cut;
}

/** Replies come late; and by then nothing gets through to the servers any more. */
function lateReply(stage: Stage, target: Target, lasts: number): Disturbance {
  const { contender } = target;
  const { timeline, ttlMs } = stage.ensemble;
  // Nearly as late as a reply may be that still finds a lease: then it matters most from when it counts.
  const lateMs = stage.random.between(0.36 * ttlMs, 0.44 * ttlMs);
  const { from, to } = hush(
    stage,
    contender.links.map(({ down }) => down),
    lateMs,
    ttlMs / 100,
  );
  timeline.say?.(`${contender.name}'s replies are ${Math.round(lateMs)} ms late`);
  timeline.in(stage.random.between(0, ttlMs / 10), () => {
    timeline.say?.(`${contender.name} is cut off one way (up) for ${Math.round(ttlMs + lasts)} ms`);
    hush(
      stage,
      contender.links.map(({ up }) => up),
      ttlMs + lasts,
    );
  });
  return { from, to: to + lateMs + lasts };
}

/** From its peers, and not from its clients. */
function isolateServer(stage: Stage, { server }: Target, lasts: number): Disturbance {
  return cutFrom(
    stage,
    server,
    stage.ensemble.servers.filter((peer) => peer !== server),
    lasts,
  );
}

function cutFromLeader(stage: Stage, { server }: Target, lasts: number): Disturbance | undefined {
  const { leader } = stage.ensemble;
  return leader === undefined || leader === server ? undefined : cutFrom(stage, server, [leader], lasts);
}

function cutFrom(stage: Stage, server: Server, peers: readonly Server[], lasts: number): Disturbance {
  const { ensemble } = stage;
  const { timeline, tickMs, syncLimit } = ensemble;
  const names = peers.map((peer) => peer.id).join(' and ');
  timeline.say?.(`server ${server.id} is cut off from ${names} for ${Math.round(lasts)} ms`);
  for (const peer of peers) ensemble.cut(server, peer);
  timeline.in(lasts, () => {
    for (const peer of peers) ensemble.mend(server, peer);
  });
  return { from: timeline.now, to: timeline.now + lasts + (syncLimit + 4) * tickMs };
}

function killServer(stage: Stage, { server }: Target, lasts: number): Disturbance | undefined {
  const { ensemble } = stage;
  const { timeline, tickMs } = ensemble;
  if (!server.isUp) return undefined;
  ensemble.kill(server);
  timeline.in(lasts, () => ensemble.restart(server));
  return { from: timeline.now, to: timeline.now + lasts + 4 * tickMs };
}

function stopSupervisor(stage: Stage, { contender }: Target, lasts: number): Disturbance {
  const { timeline } = stage.ensemble;
  timeline.say?.(`${contender.name} is stopped for ${Math.round(lasts)} ms`);
  contender.process.stop();
  timeline.in(lasts, () => contender.process.continue());
  return { from: timeline.now, to: timeline.now + lasts };
}

/** Between two of its steps: what it has decided already, it does when it goes on. */
function stopSupervisorInMidStep(stage: Stage, { contender }: Target, lasts: number): Disturbance {
  const { timeline, ttlMs } = stage.ensemble;
  const strike = () => {
    contender.process.interception = () =>
      void stopSupervisor(stage, { contender, server: anyServer(stage) }, lasts);
  };
  // Where it matters most: while the lock is handed over to it.
  if (contender.isHolding) strike();
  else
    contender.onGrant = stage.random.pick([strike, () => void timeline.in(stage.random.next() * 3, strike)]);
  return { from: timeline.now, to: timeline.now + lasts + 4 * ttlMs };
}

/** A waiter is stopped for long, and when it goes on, the lock is its own, and the network is cut. */
function handOverToOneStopped(stage: Stage, target: Target): Disturbance | undefined {
  const { ensemble, contenders, random } = stage;
  const { timeline, ttlMs } = ensemble;
  const waiter = contenders.find((one) => one.isWaiting);
  if (waiter === undefined) return undefined;
  const stopped = stopSupervisor(
    stage,
    { ...target, contender: waiter },
    random.between(0.5 * ttlMs, 0.9 * ttlMs),
  );
  for (const one of contenders) if (one.isHolding) one.send('SIGTERM');
  waiter.onGrant = () => {
    timeline.in(random.between(5, 50), () => {
      const server = waiter.session?.connection?.server ?? target.server;
      partition(stage, { contender: waiter, server }, ttlMs);
    });
  };
  return { from: stopped.from, to: stopped.to + 2 * ttlMs };
}

function anyServer({ ensemble, random }: Stage): Server {
  return random.pick(ensemble.servers);
}

function killSupervisor(stage: Stage, { contender }: Target): undefined {
  stage.ensemble.timeline.say?.(`${contender.name} is killed`);
  contender.process.kill();
}

function stopGuardian(stage: Stage, { contender }: Target, lasts: number): undefined {
  const { guardian } = contender;
  if (guardian === undefined) return;
  stage.ensemble.timeline.say?.(`${guardian.process.name} is stopped for ${Math.round(lasts)} ms`);
  guardian.process.stop();
  stage.ensemble.timeline.in(lasts, () => guardian.process.continue());
}

/** Its guardian is needed most when the lease is being lost. */
function stopGuardianOfOneCutOff(stage: Stage, target: Target, lasts: number): Disturbance {
  const { timeline, ttlMs } = stage.ensemble;
  timeline.in(stage.random.between(ttlMs / 3, (2 * ttlMs) / 3), () => stopGuardian(stage, target, lasts));
  return silenceHost(stage, target, ttlMs);
}

function killGuardian(stage: Stage, { contender }: Target): undefined {
  stage.ensemble.timeline.say?.(`${contender.name}'s guardian is killed`);
  contender.guardian?.process.kill();
}

function tellToStop(stage: Stage, { contender }: Target): undefined {
  stage.ensemble.timeline.say?.(`${contender.name} is told to stop`);
  contender.send('SIGTERM');
}
