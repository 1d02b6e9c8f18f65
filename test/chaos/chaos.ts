import { randomBytes } from 'node:crypto';
import { serviceOf } from '../../src/backend/registry.js';
import { Scope } from '../helpers/scope.js';
import { Chronicle } from './chronicle.js';
import { Contender } from './contender.js';
import { ContenderLink } from './contender-link.js';
import { FaultLog } from './fault-log.js';
import { expectNothingLeft } from './leftovers.js';
import { strikeLink } from './link-faults.js';
import { stepsOf } from './plan.js';
import { strikeProcess } from './process-faults.js';
import { Random } from './random.js';
import type { ChaosReport } from './report.js';
import { strikeServer } from './server-faults.js';
import type { ChaosService } from './services/service.js';
import type { ChaosSettings } from './settings.js';
import { type Field, runLane, within } from './strike.js';
import { idleTimes, overlapsIn, tokenFaults } from './verdict.js';
import { Witness } from './witness.js';

/** What a start of lockex, and of its command, may take on a busy machine. */
const START_UP_MS = 2000;

interface Stage extends Field {
  readonly chronicle: Chronicle;
  readonly witness: Witness;
}

/**
 * Lets contenders run for one lock while all kinds of faults go on, heals everything, waits for somebody to hold, and
 * ends all of them.
 * @param service serves before and after
 * @param out told what happens, a line at a time
 * @param signal ends the faults early
 */
export async function chaos(
  service: ChaosService,
  settings: ChaosSettings,
  out: (line: string) => void,
  signal: AbortSignal,
): Promise<ChaosReport> {
  const scope = new Scope();
  try {
    const mark = `CHAOS=${randomBytes(8).toString('hex')}`;
    const random = new Random(settings.seed);
    const ofFaults = random.branch();
    const stage = await setUp(service, settings, out, scope, random, mark);
    await breakThings(service, settings, stage, ofFaults, signal);
    const healedAt = performance.now();
    const recoveredMs = await recover(service, stage, healedAt);
    const stoppedAt = performance.now();
    await Promise.all(stage.contenders.map((contender) => contender.stop()));
    await expectNothingLeft(service, settings, stage.witness, mark).catch((error: unknown) => {
      stage.violation(error instanceof Error ? error.message : String(error));
    });
    return await reportOf(stage, service.fencing, settings, stoppedAt, recoveredMs);
  } finally {
    await scope.end();
  }
}

async function setUp(
  service: ChaosService,
  settings: ChaosSettings,
  out: (line: string) => void,
  scope: Scope,
  random: Random,
  mark: string,
): Promise<Stage> {
  const { ttlMs } = settings;
  const faults = new FaultLog();
  const budget = serviceOf(service.urlOf(['127.0.0.1:1'])).budget(ttlMs, undefined);
  const chronicle = new Chronicle(out, faults, ttlMs, budget?.rideOutMs ?? 0);
  const witness = await scope.use(Witness.open(chronicle));
  const contenders: Contender[] = [];
  for (let i = 1; i <= settings.contenders; i += 1) {
    const link = await scope.use(ContenderLink.open(service.servers.map(({ address }) => address)));
    const parts = random.branch();
    contenders.push(
      await scope.use(new Contender(`c${i}`, link, service, settings, parts, witness, chronicle, mark)),
    );
  }
  return {
    contenders,
    faults,
    ttlMs,
    kills: [],
    chronicle,
    witness,
    say: (line) => chronicle.say(line),
    violation: (what) => chronicle.violation(what),
  };
}

/** Three lanes of faults beside each other; returns when all is healed. */
async function breakThings(
  service: ChaosService,
  settings: ChaosSettings,
  stage: Stage,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  const { processes, links, servers } = settings.faults;
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), settings.durationMs);
  signal.addEventListener('abort', () => ending.abort(), { once: true });
  const over = ending.signal;
  const [ofProcesses, ofLinks, ofServers] = [random.branch(), random.branch(), random.branch()];
  await within(settings.ttlMs + START_UP_MS, () => stage.witness.trees.length > 0, over);
  const { ttlMs } = settings;
  await Promise.all([
    runLane(stepsOf(processes, ofProcesses, ttlMs), (step) => strikeProcess(step, stage, over), over),
    runLane(stepsOf(links, ofLinks, ttlMs), (step) => strikeLink(step, stage, over), over),
    runLane(stepsOf(servers, ofServers, ttlMs), (step) => strikeServer(step, service, stage, over), over),
  ]);
  clearTimeout(timer);
  await service.serves();
  stage.say('all is healed');
}

/** Somebody has to hold in the time that the service may take. @returns how long it took, ms */
async function recover(service: ChaosService, stage: Stage, healedAt: number): Promise<number | undefined> {
  const limitMs = service.recoveryMs(stage.ttlMs) + START_UP_MS;
  if (await within(limitMs, () => stage.contenders.some((contender) => contender.holds))) {
    return performance.now() - healedAt;
  }
  stage.violation(`nobody holds ${limitMs} ms after all was healed`);
  return undefined;
}

async function reportOf(
  stage: Stage,
  fencing: boolean,
  settings: ChaosSettings,
  stoppedAt: number,
  recoveredMs: number | undefined,
): Promise<ChaosReport> {
  const { chronicle, witness, faults } = stage;
  const lines = await witness.lines();
  const grants = witness.trees.map((tree) => ({ ...tree, bornAt: chronicle.births.get(tree.run) ?? 0 }));
  const idle = idleTimes(witness.trees, stoppedAt);
  const kills = stage.kills.flatMap(({ run, at }) => {
    const dead = witness.trees.find((tree) => tree.run === run)?.endedAt;
    const next = witness.trees.find((tree) => tree.startedAt > at)?.startedAt;
    return dead === undefined || next === undefined ? [] : [{ deadMs: dead - at, nextMs: next - at }];
  });
  return {
    violations: [...chronicle.violations, ...(fencing ? tokenFaults(lines, grants, settings.permits) : [])],
    grants: witness.trees.length,
    overlaps: overlapsIn(lines),
    faults: faults.counts(),
    ends: chronicle.ends,
    longestIdleMs: idle.longestMs,
    totalIdleMs: idle.totalMs,
    needless: chronicle.needless,
    kills,
    recoveredMs,
  };
}
