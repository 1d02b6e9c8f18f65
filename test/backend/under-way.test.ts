import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { UnderWay } from '../../src/backend/under-way.js';
import { aborted } from '../../src/util/abort.js';

const gone = new Error('closed');

test('work that is done leaves nothing behind at the signals, however often', async () => {
  const [underWay, user] = [new UnderWay(), new AbortController()];
  for (let round = 0; round < 100; round += 1) await underWay.within(user.signal, async () => round);
  for (const signal of [user.signal, underWay.closing]) {
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  }
});

test('the end of a session aborts its work, and waits for it', async () => {
  const [underWay, user] = [new UnderWay(), new AbortController()];
  let ended = false;
  const working = underWay.within(user.signal, async (either) => {
    await aborted(either);
    await new Promise((resolve) => setImmediate(resolve));
    ended = true;
    throw either.reason;
  });
  const rejected = assert.rejects(working, gone);
  await underWay.close(gone);
  assert.equal(ended, true);
  await rejected;
});

test('work that begins in a session that was closed is aborted at once', async () => {
  const underWay = new UnderWay();
  await underWay.close(gone);
  const asked = underWay.within(new AbortController().signal, async (either) => either.reason);
  assert.equal(await asked, gone);
});
