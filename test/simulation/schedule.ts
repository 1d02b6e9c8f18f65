import { leaseBudget } from '../../src/backend/zookeeper/timing.js';
import { drawNature } from './command-tree.js';
import { Contender } from './contender.js';
import { longestWithin } from './disturbance.js';
import { Ensemble } from './ensemble.js';
import { Faults } from './faults.js';
import { Host, Process } from './process.js';
import { Random } from './random.js';
import { rulesWith, type Weakening } from './rules.js';
import { Timeline } from './timeline.js';
import { Wire } from './wire.js';
import { type BrokenPromise, Witness } from './witness.js';

/** What one schedule showed. */
export interface Verdict {
  readonly seed: number;
  /** The promises that were broken, and how. */
  readonly broken: ReadonlyMap<BrokenPromise, string>;
  /** How many commands were started. */
  readonly starts: number;
  /** The shortest time between one tree's death and the next one's start, ms. */
  readonly closest: number;
}

/** Between a client's machine and a server's: the slowest packet, ms. */
const SLOWEST_MS = 2;
/** More than any schedule needs. */
const MOST_HAPPENINGS = 200_000;
/** A renewal takes a round trip, and so does a reconnect: a silence that leaves less room than this is not ridden out. */
const ROUND_TRIPS_MS = 25;
/** Timers are this late at most, and clocks differ this much: what the kill margin has to pay besides the kill. */
const LATENESS_MS = 5;

/** After these nothing is worth looking at. */
const FATAL: ReadonlySet<BrokenPromise> = new Set(['two-at-once', 'not-owned', 'failed']);

/**
 * One schedule: some contenders for one lock, and what happens to them, all by one number. The same number gives the
 * same schedule, step by step.
 * @param say is told what happens
 */
export async function run(
  seed: number,
  weakening?: Weakening,
  say?: (line: string) => void,
): Promise<Verdict> {
  const random = new Random(seed);
  const timeline = new Timeline();
  if (say !== undefined) timeline.say = (text) => say(`${timeline.now.toFixed(1).padStart(9)} ms  ${text}`);
  const ttlMs = random.pick([2000, 3000, 4000, 8000]);
  // 2 ticks are the worst that a server allows (minSessionTimeout), 20 the best.
  const tickMs = ttlMs / random.pick([2, 2, 2.5, 3, 7.5, 20, 20]);
  const servers = random.pick([3, 3, 1]);
  const permits = random.pick([1, 1, 1, 2]);
  const ensemble = new Ensemble(timeline, random, {
    servers,
    tickMs,
    ttlMs,
    syncLimit: random.pick([2, 3, 5]),
  });
  const witness = new Witness(timeline, permits, ensemble.agreed);
  const budget = leaseBudget(ttlMs, undefined);
  const killMs = budget.deadlineAfterMs - budget.killAfterMs - LATENESS_MS;
  timeline.say?.(
    `seed ${seed}: T ${ttlMs} ms, tick ${tickMs} ms, ${servers} server(s), ${permits} permit(s)`,
  );

  const contenders = Array.from(
    { length: Math.max(permits + 1, random.pick([2, 2, 2, 3, 4])) },
    (_, index) => {
      const host = new Host(`host ${index}`, timeline, random);
      const wire = () => new Wire(timeline, random, SLOWEST_MS);
      return new Contender({
        process: new Process(`lockex ${index}`, host, timeline, random),
        ensemble,
        links: ensemble.servers.map(() => ({ up: wire(), down: wire() })),
        random,
        witness,
        rules: rulesWith(weakening),
        permits,
        nature: drawNature(random, ttlMs, killMs),
      });
    },
  );
  for (const contender of contenders) timeline.in(random.next() * 20, () => contender.start());

  const faults = new Faults({ ensemble, contenders, random });
  faults.foresee();
  for (const contender of contenders) {
    contender.onSilence = ({ rideOutMs, stopAfterMs, renewEveryMs }) => {
      const now = timeline.now;
      const longest = longestWithin(faults.disturbances, now - stopAfterMs, now, 5 * renewEveryMs);
      if (longest >= rideOutMs - ROUND_TRIPS_MS - ttlMs / 40) return;
      witness.breaks('needless', `${contender.name} was stopped for a silence of ${longest} ms`);
    };
  }
  const somebodyRuns = () => {
    const willing = contenders.filter((one) => one.isHolding || one.isWaiting).length;
    return witness.alive >= Math.min(permits, willing);
  };
  const isSettled = () => timeline.now > faults.over + ttlMs / 4 && somebodyRuns();
  const isIdle = () => timeline.now > faults.over + 6 * ttlMs + 12 * tickMs;
  const isBroken = () => [...witness.broken.keys()].some((promise) => FATAL.has(promise));
  await timeline.run(() => isBroken() || isSettled() || isIdle(), MOST_HAPPENINGS);

  if (!isBroken() && !somebodyRuns()) {
    witness.breaks('idle', `nobody runs ${Math.round(timeline.now - faults.over)} ms after the last fault`);
  }
  return { seed, broken: witness.broken, starts: witness.starts, closest: witness.closest };
}
