import { parseArgs } from 'node:util';
import { readVersion } from '../src/cli/version.js';
import { etcdctlVersion, etcdServer } from './faults/etcdctl-stage.js';
import { FAULTS, type Fault } from './faults/faults.js';
import { cutFollower, singleServer } from './faults/lockex-stage.js';
import { type Outcome, round } from './faults/round.js';
import type { Network, Runner, Stage } from './faults/stage.js';
import { footing, heading, line } from './faults/table.js';

/**
 * What becomes of "never two at once" when something dies, freezes or is cut off: lockex and `etcdctl lock` side by
 * side, on real servers. `node --import tsx bench/faults.ts [--rounds N] [--only lockex|etcdctl] [--fault TEXT]
 * [--isolation LEVEL]`; needs `npm run build` and `bench/install.sh`. Half a minute for each runner, row and three
 * rounds. Status 1 when processes of two holders of lockex were alive together, one was left at the end, or a round
 * failed.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    fault: { type: 'string', default: '' },
    isolation: { type: 'string' },
  },
});
const ROUNDS = Number(options.rounds);
const ISOLATION = options.isolation === undefined ? [] : [`--isolation=${options.isolation}`];

const runners: Runner[] = [];
if (options.only !== 'etcdctl') {
  runners.push({
    name: ['lockex', readVersion(), ...ISOLATION].join(' '),
    ours: true,
    stages: { link: () => singleServer(ISOLATION), follower: () => cutFollower(ISOLATION) },
  });
}
if (options.only !== 'lockex') {
  runners.push({
    name: `etcdctl lock ${await etcdctlVersion()}`,
    ours: false,
    stages: { link: etcdServer },
  });
}

const outcomes = new Map<Runner, Outcome[]>(runners.map((runner) => [runner, []]));
const complaints: string[] = [];
let locks = 0;

async function rounds(runner: Runner, fault: Fault, stage: Stage): Promise<Outcome[]> {
  const done: Outcome[] = [];
  for (let number = 1; number <= ROUNDS; number += 1) {
    locks += 1;
    try {
      const outcome = await round(fault, stage, `faults-${locks}`, runner.ours);
      done.push(outcome);
      outcomes.get(runner)?.push(outcome);
      if (!runner.ours) continue;
      const where = `${runner.name}, ${fault.title}, round ${number}`;
      if (outcome.overlapMs > 0) complaints.push(`${where}: ${outcome.overlapMs.toFixed(1)} ms together`);
      if (outcome.left !== '') complaints.push(`${where}: still alive: ${outcome.left}`);
    } catch (error) {
      complaints.push(`${runner.name}, ${fault.title}, round ${number} failed: ${String(error)}`);
    }
  }
  return done;
}

const concerns = (runner: Runner, fault: Fault) =>
  runner.stages[fault.network] !== undefined && (runner.ours || fault.oursOnly !== true);

const chosen = FAULTS.filter(({ title }) => title.includes(options.fault));
console.log(heading(runners, ROUNDS));
for (const network of ['link', 'follower'] satisfies Network[]) {
  const stages = new Map<Runner, Stage>();
  try {
    for (const fault of chosen.filter((candidate) => candidate.network === network)) {
      const cells: (Outcome[] | undefined)[] = [];
      for (const runner of runners) {
        const start = runner.stages[network];
        if (start === undefined || !concerns(runner, fault)) {
          cells.push(undefined);
          continue;
        }
        const stage = stages.get(runner) ?? (await start());
        stages.set(runner, stage);
        cells.push(await rounds(runner, fault, stage));
      }
      console.log(line(fault.title, cells));
    }
  } finally {
    for (const stage of stages.values()) await stage[Symbol.asyncDispose]();
  }
}
console.log(footing(outcomes));
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exitCode = 1;
