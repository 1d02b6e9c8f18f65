import assert from 'node:assert/strict';
import { getEventListeners, setMaxListeners } from 'node:events';
import { test } from 'node:test';
import { attend } from '../../../src/backend/zookeeper/attend.js';
import { systemClock } from '../../../src/util/clock.js';
import { scope } from '../../helpers/scope.js';
import { startZooKeeper } from '../../helpers/zookeeper.js';
import { never, openSession } from './kit.js';

test('who waits for long costs no more than who has just come', async (t) => {
  const zookeeper = await scope(t).use(startZooKeeper());
  await using session = await openSession(zookeeper.address);
  const listeners = () => getEventListeners(session.over, 'abort').length;
  const before = listeners();
  const counts: number[] = [];
  await attend(session, systemClock, never, async (wake) => {
    setImmediate(wake);
    counts.push(listeners());
    return counts.length === 20 ? true : undefined;
  });
  assert.equal(counts[19], counts[0]);
  assert.equal(listeners(), before);
});

test('who waits is told when the session ends', async (t) => {
  const zookeeper = await scope(t).use(startZooKeeper());
  await using session = await openSession(zookeeper.address, { ttlMs: 10_000 });
  const waiting = attend(session, systemClock, never, async () => {
    setImmediate(() => void session.close());
    return undefined;
  });
  await assert.rejects(waiting, /the session was closed/);
});

test('any number of waits in one session is nothing to warn of', async (t) => {
  const zookeeper = await scope(t).use(startZooKeeper());
  await using session = await openSession(zookeeper.address);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const stop = new AbortController();
  const wait = () => attend(session, systemClock, stop.signal, async () => undefined).catch(() => {});
  setMaxListeners(0, stop.signal);
  const waits = Array.from({ length: 50 }, wait);
  // Node tells of a warning in the next turn.
  await new Promise<void>((resolve) => setImmediate(resolve));
  stop.abort();
  await Promise.all(waits);
  process.off('warning', onWarning);
  assert.deepEqual(warnings, []);
});
