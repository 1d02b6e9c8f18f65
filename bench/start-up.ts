import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startZooKeeper } from '../test/helpers/zookeeper.js';
import { row, summary, timed, wallMs } from './measure.js';

/**
 * From the start of lockex to the start of the command, over a bare `node -e 0` of the same Node, in alternation:
 * what the machine does meanwhile hits both alike. `node --import tsx bench/start-up.ts [ROUNDS]`
 */
const ROUNDS = Number(process.argv[2] ?? 21);
const BINARY = join(import.meta.dirname, '..', 'bin', 'lockex');
/** The command notes when it began; its own start is part of what is measured. */
const COMMAND = ['--', 'date', '+%s%N'];

async function toCommand(options: readonly string[]): Promise<number> {
  const startedAt = wallMs();
  const { stdout } = await timed(process.execPath, [BINARY, '-q', ...options, ...COMMAND]);
  return Number(BigInt(stdout.trim()) / 1000n) / 1000 - startedAt;
}

const directory = await mkdtemp(join(tmpdir(), 'lockex-bench-'));
await using zookeeper = await startZooKeeper();
const ways: Readonly<Record<string, readonly string[]>> = {
  '--local (files)': ['--url', `file://${directory}`],
  'ZooKeeper on loopback': ['-z', zookeeper.address],
};
const bare: number[] = [];
const over = new Map(Object.keys(ways).map((name): [string, number[]] => [name, []]));
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const [name, options] of Object.entries(ways)) {
    const { tookMs } = await timed(process.execPath, ['-e', '0']);
    const ours = await toCommand(options);
    // The first round warms the caches.
    if (round === 0) continue;
    bare.push(tookMs);
    over.get(name)?.push(ours - tookMs);
  }
}
console.log(`Node ${process.version}, ${ROUNDS} rounds${' '.repeat(31)}      min  median     max`);
console.log(row('node -e 0, whole', bare));
for (const [name, values] of over) {
  console.log(row(`start to command over that, ${name}`, values));
  if (summary(values).median > 40) process.exitCode = 1;
}
await rm(directory, { recursive: true, force: true });
