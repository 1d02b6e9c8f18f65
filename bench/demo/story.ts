import { until } from '../../src/testing/until.js';
import type { DemoContender } from './contender.js';

/** How long a holder may tick in peace before the next fault, ms: long enough to be seen. */
const PEACE_MS = 2000;

/** What the story is told with. */
export interface Teller {
  readonly contenders: readonly DemoContender[];
  now(): number;
  say(line: string): void;
}

/** One fault after the other, each at whoever holds: kill -9, a freeze, a cut link. */
export async function tell(teller: Teller): Promise<void> {
  for (const contender of teller.contenders) {
    contender.start();
    // The first one is to hold; in which order the others stand in line is theirs.
    if (contender === teller.contenders[0]) await holderIn(teller);
  }
  let holder = await holderIn(teller);
  teller.say(`${holder.name} holds the lock and ticks; the others wait in line`);
  for (const fault of [killed, frozen, cutOff]) {
    await peace(teller);
    holder = await fault(holder, teller);
  }
  await peace(teller);
}

async function killed(holder: DemoContender, teller: Teller): Promise<DemoContender> {
  teller.say(`kill -9 of ${holder.name}'s lockex: it can do nothing about its command any more`);
  const at = teller.now();
  holder.strike('K')();
  holder.signal('SIGKILL');
  const next = await nextHolder(holder, teller, at);
  await holder.ended();
  holder.start();
  teller.say(`${holder.name}'s lockex is started again, at the end of the line`);
  return next;
}

async function frozen(holder: DemoContender, teller: Teller): Promise<DemoContender> {
  teller.say(`${holder.name}'s lockex is frozen (SIGSTOP): it neither renews the lock nor stops its command`);
  const at = teller.now();
  const heal = holder.strike('F');
  holder.signal('SIGSTOP');
  const next = await nextHolder(holder, teller, at);
  holder.signal('SIGCONT');
  heal();
  teller.say(`${holder.name}'s lockex thaws, sees what it missed, and ends with ${await holder.ended()}`);
  holder.start();
  return next;
}

async function cutOff(holder: DemoContender, teller: Teller): Promise<DemoContender> {
  teller.say(`${holder.name}'s link is cut: packets vanish, nobody tells it so`);
  const at = teller.now();
  const heal = holder.strike('X');
  holder.link.mode = 'blackhole';
  const next = await nextHolder(holder, teller, at);
  holder.link.mode = 'pass';
  heal();
  teller.say(`${holder.name}'s link is mended; its lockex has ended with ${await holder.ended()}`);
  holder.start();
  return next;
}

/** Waits for a tick of somebody else, and tells how long nobody ticked. */
async function nextHolder(struck: DemoContender, teller: Teller, since: number): Promise<DemoContender> {
  const others = teller.contenders.filter((contender) => contender !== struck);
  const next = await until(
    () => others.find((contender) => contender.hasTickedSince(since)),
    'somebody else ticks',
  );
  const first = next.ticks.find((at) => at >= since) ?? since;
  const last = struck.ticks.at(-1) ?? since;
  const ms = (duration: number) => `${Math.round(duration)} ms`;
  teller.say(
    last <= first
      ? `${next.name} holds, ${ms(first - since)} after that, and ${ms(first - last)} after ${struck.name}'s last tick`
      : `${next.name} holds, ${ms(first - since)} after that, while ${struck.name} ticks on`,
  );
  return next;
}

function holderIn(teller: Teller): Promise<DemoContender> {
  return until(() => teller.contenders.find((contender) => contender.hasTickedSince(0)), 'somebody ticks');
}

function peace(teller: Teller): Promise<unknown> {
  const end = teller.now() + PEACE_MS;
  return until(() => teller.now() > end, 'the audience has seen it', 2 * PEACE_MS);
}
