import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LockBackend } from '../../src/backend/contract.js';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import { FirstSession } from '../../src/cli/first-session.js';

const never = new AbortController().signal;

function opener() {
  const opened: { signal: AbortSignal; backend: LockBackend }[] = [];
  const service = new MemoryService();
  const open = async (signal: AbortSignal) => {
    const backend = new MemoryBackend(service);
    opened.push({ signal, backend });
    return backend;
  };
  return { opened, open };
}

test('the first session is opened before anybody asks, and is the first who asks his; each later one is opened anew', async () => {
  const { opened, open } = opener();
  const first = new FirstSession(open);
  assert.equal(opened.length, 1);
  assert.equal(await first.connect(never), opened[0]?.backend);
  assert.equal(opened.length, 1);
  assert.equal(await first.connect(never), opened[1]?.backend);
});

test('who gives up waiting for the first session gives it up, with the reason', async () => {
  for (const when of ['before asking', 'after asking']) {
    const { opened, open } = opener();
    const first = new FirstSession(open);
    const stop = new AbortController();
    const reason = new Error('told to stop');
    if (when === 'before asking') stop.abort(reason);
    await first.connect(stop.signal);
    if (when === 'after asking') stop.abort(reason);
    assert.equal(opened[0]?.signal.reason, reason, when);
  }
});

test('a session that could not be opened fails whoever asks for it, and nobody before', async () => {
  const failure = new Error('no server');
  const first = new FirstSession(() => Promise.reject(failure));
  await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(first.connect(never), failure);
});
