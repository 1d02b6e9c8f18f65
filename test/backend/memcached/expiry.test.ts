import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { holdSeconds } from '../../../src/backend/memcached/timing.js';
import { until } from '../../../src/testing/until.js';
import { systemClock } from '../../../src/util/clock.js';
import { startMemcached } from '../../helpers/memcached.js';
import { scope } from '../../helpers/scope.js';

const MS = 1000;
/** Begun at so many moments, spread over more than one of memcached's seconds. */
const KEYS = 24;

/** How many of the keys that are to live for `MS` are gone before that. */
async function goneEarly(t: TestContext, seconds: number): Promise<number> {
  const memcached = await scope(t).use(startMemcached());
  const one = async (n: number) => {
    const due = systemClock.now() + n * 50;
    await until(() => systemClock.now() >= due, 'its moment has come');
    const sentAt = systemClock.now();
    await memcached.ask(`set key-${n} 0 ${seconds} 1\r\nx`, /^STORED/);
    await until(() => systemClock.now() >= sentAt + MS * 0.9, 'its time is nearly over');
    const asked = await memcached.get(`key-${n}`);
    // An answer that came after its time says nothing.
    return asked === undefined && systemClock.now() < sentAt + MS ? 1 : 0;
  };
  const gone = await Promise.all(Array.from({ length: KEYS }, (_, n) => one(n)));
  return gone.reduce((sum: number, each) => sum + each, 0);
}

test('a key that must live for a second does, since memcached is asked for more', async (t) => {
  assert.equal(await goneEarly(t, holdSeconds(MS)), 0);
});

test('memcached drops a key that it was asked to keep for a second before that second is over', async (t) => {
  assert.ok((await goneEarly(t, MS / 1000)) > 0);
});
