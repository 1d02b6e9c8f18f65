import { parseArgs } from 'node:util';
import { readVersion } from '../src/cli/version.js';
import { etcdctlVersion, etcdServer } from './faults/etcdctl-stage.js';
import { FAULTS, type Fault } from './faults/faults.js';
import { cutFollower, singleServer } from './faults/lockex-stage.js';
import { type Outcome, round } from './faults/round.js';
import type { Runner } from './faults/stage.js';
import { Stages } from './faults/stages.js';
import { footing, heading, line } from './faults/table.js';

/**
 * What becomes of "never two at once" when something dies, freezes or is cut off: lockex and `etcdctl lock` side by
 * side, on real servers. Needs `npm run build`, and `bash bench/install.sh` for etcd.
 *
 *     node --import tsx bench/faults.ts [--rounds N] [--only lockex|etcdctl] [--fault TEXT] [--isolation LEVEL]
 *
 * TEXT is a part of a row's title; LEVEL is handed to lockex. A round takes some ten seconds. The status is 1 when
 * processes of two holders of lockex were alive together, when one was left at the end, or when a round failed.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    fault: { type: 'string', default: '' },
    isolation: { type: 'string' },
  },
});
const ROUNDS = Number(options.rounds);
if (!(Number.isInteger(ROUNDS) && ROUNDS > 0))
  throw new Error(`--rounds ${options.rounds}: not a number above 0`);
const ISOLATION = options.isolation === undefined ? [] : [`--isolation=${options.isolation}`];

const RUNNERS: Readonly<Record<string, () => Promise<Runner>>> = {
  lockex: async () => ({
    name: ['lockex', readVersion(), ...ISOLATION].join(' '),
    ours: true,
    stages: { link: () => singleServer(ISOLATION), follower: () => cutFollower(ISOLATION) },
  }),
  etcdctl: async () => ({
    name: `etcdctl lock ${await etcdctlVersion()}`,
    ours: false,
    stages: { link: etcdServer },
  }),
};
const starts = Object.entries(RUNNERS).filter(([name]) => [name, ''].includes(options.only));
if (starts.length === 0)
  throw new Error(`--only ${options.only}: not one of ${Object.keys(RUNNERS).join(', ')}`);
const runners = await Promise.all(starts.map(([, start]) => start()));

let interrupted = false;
process.once('SIGINT', () => {
  interrupted = true;
  console.error('ending after this round, so that nothing is left; once more ends it at once');
});

const outcomes = new Map<Runner, Outcome[]>(runners.map((runner) => [runner, []]));
const complaints: string[] = [];
let locks = 0;
await using stages = new Stages();

/** The rounds of one cell; `undefined` where there is nothing to try. */
async function rounds(runner: Runner, fault: Fault): Promise<Outcome[] | undefined> {
  const start = runner.stages[fault.network];
  if (start === undefined || (fault.oursOnly === true && !runner.ours)) return undefined;
  const stage = await stages.get(start);
  const done: Outcome[] = [];
  for (let number = 1; number <= ROUNDS && !interrupted; number += 1) {
    const complain = (what: string) =>
      complaints.push(`${runner.name}, ${fault.title}, round ${number}: ${what}`);
    locks += 1;
    try {
      const outcome = await round(fault, stage, `faults-${locks}`, runner.ours);
      done.push(outcome);
      if (runner.ours && outcome.overlapMs > 0) complain(`${outcome.overlapMs.toFixed(1)} ms together`);
      if (runner.ours && outcome.left !== '') complain(`still alive at the end: ${outcome.left}`);
    } catch (error) {
      complain(`failed: ${String(error)}`);
    }
  }
  outcomes.get(runner)?.push(...done);
  return done;
}

console.log(heading(runners, ROUNDS));
for (const fault of FAULTS.filter(({ title }) => title.includes(options.fault))) {
  const cells: (Outcome[] | undefined)[] = [];
  for (const runner of runners) cells.push(await rounds(runner, fault));
  console.log(line(fault.title, cells));
}
console.log(footing(outcomes));
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0 || interrupted) process.exitCode = 1;
