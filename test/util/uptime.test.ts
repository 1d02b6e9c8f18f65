import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Clock } from '../../src/util/clock.js';
import { type LeaseBudget, LeaseDeadline } from '../../src/util/lease-deadline.js';
import { openUptime, steadyClock } from '../../src/util/uptime.js';
import { ManualClock } from '../helpers/manual-clock.js';
import { scope } from '../helpers/scope.js';
import { tempDir } from '../helpers/temp.js';

/** What a lease of 15 s has. */
const BUDGET: LeaseBudget = {
  ttlMs: 15_000,
  renewEveryMs: 1250,
  rideOutMs: 6000,
  stopAfterMs: 7250,
  killAfterMs: 9750,
  deadlineAfterMs: 10_000,
};

/** A host: while it sleeps, neither its monotonic clock goes on nor its timers do, and CLOCK_BOOTTIME does. */
class Host {
  readonly awake = new ManualClock();
  #asleep = 0;
  readonly uptime = (): number => 5000 + Math.floor((this.awake.now() + this.#asleep) / 10) * 10;

  sleep(ms: number): void {
    this.#asleep += ms;
  }

  clock(now: () => number): Clock {
    return { now, setTimer: (ms, run) => this.awake.setTimer(ms, run) };
  }
}

test('a host that slept through its lease knows within a quarter of a second of waking', () => {
  const host = new Host();
  const clock = host.clock(steadyClock(() => host.awake.now(), host.uptime));
  const lease = new LeaseDeadline(BUDGET, clock, clock.now());
  host.awake.advance(1000);
  assert.equal(lease.lost.aborted, false);
  host.sleep(20_000);
  host.awake.advance(250);
  assert.equal(lease.lost.aborted, true);
});

test('the twin: a clock that stands still while the host sleeps believes in its lease', () => {
  const host = new Host();
  const clock = host.clock(() => host.awake.now());
  const lease = new LeaseDeadline(BUDGET, clock, clock.now());
  host.sleep(20_000);
  host.awake.advance(5000);
  assert.equal(lease.isLost(), false);
});

test('the clock is as fine as the monotonic one, never goes back, and is never behind by more than 20 ms', () => {
  const host = new Host();
  const now = steadyClock(() => host.awake.now(), host.uptime);
  let last = now();
  for (let step = 0; step < 2000; step += 1) {
    host.awake.advance(step % 7 === 0 ? 0.25 : 3);
    if (step % 100 === 50) host.sleep(step);
    const next = now();
    assert.ok(next >= last && next >= host.uptime() - 20, `step ${step}: ${next} after ${last}`);
    last = next;
  }
});

test('the clock is never ahead, whenever the process is stopped for a while in the middle of a look at it', () => {
  const host = new Host();
  let looks = 0;
  // Each reading comes before or after a while in which another process had the processor, some of them long.
  const interrupted = (read: () => number) => () => {
    looks += 1;
    if (looks % 3 === 0) host.awake.advance(looks % 9 === 0 ? 700 : 40);
    const result = read();
    if (looks % 4 === 0) host.awake.advance(55);
    return result;
  };
  const now = steadyClock(
    interrupted(() => host.awake.now()),
    interrupted(host.uptime),
  );
  for (let step = 0; step < 500; step += 1) {
    const told = now();
    // The true time is less than 10 ms after what is read.
    assert.ok(told < host.uptime() + 10, `step ${step}: ${told} when it is ${host.uptime()}`);
    host.awake.advance(step % 11);
  }
});

test('where there is no /proc/uptime, or nothing to be read in it, there is no such clock', async (t) => {
  const dir = await scope(t).use(tempDir('uptime'));
  assert.equal(openUptime(dir.join('none')), undefined);
  await writeFile(dir.join('odd'), 'up\n');
  assert.equal(openUptime(dir.join('odd')), undefined);
  await writeFile(dir.join('good'), '12.34 5.00\n');
  assert.equal(openUptime(dir.join('good'))?.(), 12_340);
});
