import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { chaos } from './chaos.js';
import { BEYOND_THE_PROMISE, type FaultKind, LINK_FAULTS, PROCESS_FAULTS, SERVER_FAULTS } from './plan.js';
import { type ChaosReport, summaryLines } from './report.js';
import { ZooKeeperService } from './services/zookeeper.js';
import { type ChaosSettings, DEFAULTS } from './settings.js';

let zookeeper: ZooKeeperService;
before(async () => {
  zookeeper = await ZooKeeperService.start();
});
after(() => zookeeper[Symbol.asyncDispose]());

/** Runs it, and tells all that happened if it does not go well. */
async function run(t: TestContext, settings: ChaosSettings): Promise<ChaosReport & { story: string }> {
  const lines = [`seed ${settings.seed}`];
  const report = await chaos(zookeeper, settings, (line) => lines.push(line), t.signal);
  t.diagnostic([`seed ${settings.seed}`, ...summaryLines(report)].join('\n'));
  return { ...report, story: lines.join('\n') };
}

const happened = new Set<FaultKind>();

for (const [permits, seed] of [
  [1, 29],
  [2, 83],
] as const) {
  const many =
    permits === 1 ? 'one permit is never held twice' : `${permits} permits are never held by ${permits + 1}`;
  test(`trap 55: Jepsen-style: under random kill -9/STOP/partition/restart for minutes, a witness file written by children shows no overlapping intervals and strictly rising tokens (${many}, and once all is well somebody holds)`, async (t) => {
    const report = await run(t, { ...DEFAULTS, seed, permits, durationMs: 20_000 });
    assert.deepEqual(report.violations, [], report.story);
    assert.ok(report.grants > permits, `the lock went from hand to hand\n${report.story}`);
    for (const kind of report.faults.keys()) happened.add(kind);
  });
}

test('every kind of fault has happened by now', () => {
  assert.deepEqual([...happened].sort(), [...PROCESS_FAULTS, ...LINK_FAULTS, ...SERVER_FAULTS].sort());
});

test('the twin: where supervisor and guardian are killed at once, the witness sees two holders', async (t) => {
  const report = await run(t, {
    ...DEFAULTS,
    seed: 1,
    durationMs: 5_000,
    contenders: 2,
    faults: { processes: [BEYOND_THE_PROMISE], links: [], servers: [] },
    command: { shape: 'daemons', mood: 'deaf' },
  });
  assert.ok(report.overlaps.length > 0, report.story);
  assert.notDeepEqual(report.violations, []);
});
