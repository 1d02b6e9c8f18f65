import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { Claim } from '../../src/backend/contract.js';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { contend } from '../../src/lock/contend.js';
import { Lock } from '../../src/lock/lock.js';
import { Sessions } from '../../src/lock/sessions.js';
import { systemClock } from '../../src/util/clock.js';

const CLAIM: Claim = {
  resource: 'lockex/a',
  permits: 1,
  mode: 'exclusive',
  identity: { host: 'host.example', pid: 1, command: 'serve' },
};

/** What Node keeps at a signal for those that AbortSignal.any has made of it, and for who listens. */
function leftAt(signal: AbortSignal): number {
  const symbol = Object.getOwnPropertySymbols(signal).find(
    ({ description }) => description === 'kDependantSignals',
  );
  // Node's own kind of set.
  const dependants = symbol && (Reflect.get(signal, symbol) as { readonly size: number } | undefined);
  return (dependants?.size ?? 0) + getEventListeners(signal, 'abort').length;
}

const timersNow = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

/** Rounds in one session, all by one signal of the program's; returns what is left at that and at the session's. */
async function roundsWith(round: (lock: Lock, signal: AbortSignal, sessions: Sessions) => Promise<unknown>) {
  const session = new MemoryBackend(new MemoryService());
  const sessions = new Sessions({ open: async () => session, owned: true });
  const ring = { sessions, clock: systemClock, held: new Set<never>() };
  const lock = new Lock({ ...ring, works: new Set(), claim: CLAIM, timeoutMs: 60_000 });
  const program = new AbortController();
  const timersBefore = timersNow();
  for (let times = 0; times < 100; times += 1) await round(lock, program.signal, sessions);
  const left = [leftAt(program.signal), leftAt(sessions.closing)];
  const timers = timersNow() - timersBefore;
  await sessions.stop()();
  return { left, held: ring.held.size, timers };
}

test('a program that takes a lock again and again, for weeks, leaves nothing behind: no timer, and nothing at the signals that live as long', async () => {
  const { left, held, timers } = await roundsWith(async (lock, signal) => {
    await lock.hold(() => {}, { signal });
    await lock.tryAcquire({ signal });
    await lock.contenders({ signal });
    await lock.release();
  });
  assert.deepEqual({ left, held }, { left: [0, 0], held: 0 });
  assert.ok(timers <= 1, `${timers} timers`);
});

test('by AbortSignal.any each round would leave something at both, until Node 24', async () => {
  const { left } = await roundsWith(async (_, signal, sessions) => {
    const wish = { once: true, timeoutMs: undefined, after: undefined };
    const ring = { sessions, clock: systemClock, held: new Set<never>() };
    const lease = await contend(ring, CLAIM, {
      ...wish,
      signals: [AbortSignal.any([signal, sessions.closing])],
    });
    await lease?.release();
  });
  for (const each of left) assert.ok(each > 0 || Number.parseInt(process.versions.node, 10) >= 24, `${each}`);
});
