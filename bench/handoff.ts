import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startZooKeeper } from '../test/helpers/zookeeper.js';
import { row } from './measure.js';

/**
 * From the end of one holder's command to the start of the next one's, on one ZooKeeper on loopback: after a clean
 * exit, and after SIGTERM to lockex. `node --import tsx bench/handoff.ts [ROUNDS]`
 */
const ROUNDS = Number(process.argv[2] ?? 15);
const BINARY = join(import.meta.dirname, '..', 'bin', 'lockex');
/** Says when it began, and when it ended: when its stdin does, or on SIGTERM. The shell is the quickest there is. */
const COMMAND = `date +'begin %s%N'; trap "date +'end %s%N'; exit 0" TERM; cat <&3 & wait $!; date +'end %s%N'`;

await using zookeeper = await startZooKeeper();

function contender() {
  const args = [BINARY, '--log-format', 'json', '-z', zookeeper.address, '-i', 'bench'];
  const child = spawn(process.execPath, [...args, '--', 'sh', '-c', `exec 3<&0; ${COMMAND}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const saw = new Map<string, Promise<number>>();
  const lines = createInterface({ input: child.stdout });
  for (const word of ['begin', 'end']) {
    saw.set(
      word,
      new Promise((resolve) => {
        lines.on(
          'line',
          (line) =>
            line.startsWith(`${word} `) &&
            resolve(Number(BigInt(line.slice(word.length + 1)) / 1000n) / 1000),
        );
      }),
    );
  }
  const waits = new Promise<void>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => line.includes('in line') && resolve());
  });
  const at = (word: string) => saw.get(word) ?? Promise.reject(new Error(word));
  return { child, at, waits, exited: once(child, 'exit') };
}

const clean: number[] = [];
const told: number[] = [];
let holder = contender();
await holder.at('begin');
for (let round = 0; round < 2 * ROUNDS; round += 1) {
  const next = contender();
  await next.waits;
  if (round % 2 === 0) holder.child.stdin.end();
  else holder.child.kill('SIGTERM');
  const [end, begin] = await Promise.all([holder.at('end'), next.at('begin')]);
  (round % 2 === 0 ? clean : told).push(begin - end);
  await holder.exited;
  holder = next;
}
holder.child.stdin.end();
await holder.exited;
console.log(`Node ${process.version}, ${ROUNDS} rounds each${' '.repeat(26)}      min  median     max`);
console.log(row('end of a command to the start of the next, clean exit', clean));
console.log(row('the same, after SIGTERM to lockex', told));
