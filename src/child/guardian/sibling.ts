import { Socket } from 'node:net';
import self, { argv, exit } from 'node:process';
import { delay } from '../../util/abort.js';
import { systemClock } from '../../util/clock.js';
import { silentLog } from '../../util/log.js';
import { endTree } from '../end-tree.js';
import { growerOfThisHost } from '../spawn.js';
import type { Leader } from '../tree.js';
import { sayFarewells } from './farewell.js';
import { FrameReader } from './frame-reader.js';
import { lastWord } from './last-word.js';

/*
 * The guardian as a program: `guardian.cjs TREE_ID GROUP FORMAT`, the socket to the supervisor on descriptor 3. It does what
 * guardian.pl does, for a command that is not its child: the tree is what can be found by looking.
 */

/** A supervisor that is silent is given this long, once the tree is dead, to say that it is there after all, ms. */
const DOUBT_MS = 500;
/** While the host is suspended no timer counts, and the lease is lost all the same: look this often, ms. */
const LOOK_EVERY_MS = 200;
/** How long a command that was about to be started may take to show, and how often it is looked for, ms. */
const UNBORN_MS = 1000;
const UNBORN_LOOK_EVERY_MS = 20;

for (const name of [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGPIPE',
  'SIGTSTP',
] as const)
  self.on(name, () => {});

const [treeId = '', group = 'own', format = 'pretty'] = argv.slice(2);
const supervisor = new Socket({ fd: 3 });
const never = AbortSignal.abort();
let leader: Leader | undefined;
let killAt = Number.POSITIVE_INFINITY;
let heardAt = systemClock.now();
let farewells: readonly string[] = [];
let overdue = false;
let ending = false;
let expecting = false;

const say = (line: string): void => void supervisor.write(`${line}\n`);

async function endAll(): Promise<void> {
  // Not told what was started, if anything was, we go by the mark alone.
  const shared = leader === undefined || group === 'shared';
  const grow = await growerOfThisHost({ file: '', group: shared ? 'shared' : 'own', treeId });
  const tree = grow(leader ?? { pid: -1, startTime: 0, ended: never });
  await endTree({
    tree,
    stopSignal: 'SIGKILL',
    ended: never,
    hurry: never,
    clock: systemClock,
    log: silentLog,
  });
}

async function onDeath(): Promise<void> {
  if (ending) return;
  ending = true;
  await endAll();
  // It may have died between its fork and the command's exec: nothing carries the mark before that.
  const until = systemClock.now() + (expecting && leader === undefined ? UNBORN_MS : 0);
  while (systemClock.now() < until) {
    await delay(UNBORN_LOOK_EVERY_MS, systemClock);
    await endAll();
  }
  const end = await sayFarewells(farewells);
  if (leader !== undefined) lastWord(`lockex has died; its command was killed, all of it; ${end}`, format);
  exit(0);
}

async function onSilence(): Promise<void> {
  await endAll();
  do await delay(DOUBT_MS, systemClock);
  while (!ending && systemClock.now() - heardAt <= DOUBT_MS);
  if (ending) return;
  const end = await sayFarewells(farewells);
  lastWord(`lockex did not renew its lease in time; its command was killed, all of it; ${end}`, format);
}

function isOverdue(): boolean {
  return !ending && !overdue && leader !== undefined && systemClock.now() >= killAt;
}

/** Looks when SIGKILL is due, and now and then before. */
function watch(): void {
  // Timers of a killAt that has moved fire early, and are set anew.
  setTimeout(
    () => {
      // After what lies unread: we may have been stopped ourselves.
      setImmediate(() => {
        if (isOverdue()) {
          overdue = true;
          void onSilence();
        }
        watch();
      });
    },
    Math.min(LOOK_EVERY_MS, Math.max(1, killAt - systemClock.now())),
  );
}

function keepUntil(word: string | undefined): void {
  killAt = word ? Number(word) : Number.POSITIVE_INFINITY;
}

const frames = new FrameReader(([verb, ...words]) => {
  heardAt = systemClock.now();
  if (verb === 'farewell') farewells = words;
  else if (verb === 'expect') expecting = true;
  else if (verb === 'watch') {
    keepUntil(words[0]);
    leader = { pid: Number(words[1]), startTime: Number(words[2]), ended: new AbortController().signal };
  } else if (verb === 'keep') {
    keepUntil(words[0]);
    say(`kept ${words[1]}`);
  } else if (verb === 'done') exit(0);
});
supervisor.on('data', (chunk) => frames.push(chunk));
supervisor.on('error', () => void onDeath());
supervisor.on('end', () => void onDeath());
watch();
say('ready');
