import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Claim } from '../../src/backend/contract.js';
import { filePath, openBackend } from '../../src/backend/registry.js';
import { systemClock } from '../../src/util/clock.js';
import { ServiceUnreachableError, UsageError } from '../../src/util/errors.js';
import { silentLog } from '../../src/util/log.js';
import { freePort } from '../helpers/ports.js';
import { tempDir } from '../helpers/temp.js';

const claim: Claim = {
  resource: 'registry/r',
  permits: 1,
  mode: 'exclusive',
  identity: { host: 'h', pid: 1, command: 'c' },
};

function open(url: string, signal = new AbortController().signal) {
  const options = {
    ttlMs: 2000,
    connectLimitMs: 2000,
    connectAttempts: 1,
    clock: systemClock,
    log: silentLog,
  };
  return openBackend(url, options, signal);
}

test('a file: URL opens the locks in that directory, which is made', async () => {
  await using dir = await tempDir('registry');
  const path = dir.join('a b', 'locks');
  await using backend = await open(pathToFileURL(path).href);
  const lease = await backend.tryAcquire(claim, new AbortController().signal);
  assert.ok(existsSync(path));
  await lease?.release();
});

test('memory: is one service for the process, and memory:name another', async () => {
  const signal = new AbortController().signal;
  await using first = await open('memory:');
  await using second = await open('memory:');
  await using other = await open('memory:other');
  assert.ok(await first.tryAcquire(claim, signal));
  assert.equal(await second.tryAcquire(claim, signal), undefined);
  assert.ok(await other.tryAcquire(claim, signal));
});

test('zk:// and zookeeper:// go to ZooKeeper', async () => {
  const port = await freePort();
  for (const scheme of ['zk', 'zookeeper', 'ZK']) {
    await assert.rejects(open(`${scheme}://127.0.0.1:${port}`), ServiceUnreachableError);
  }
});

test('a URL of an unknown scheme is refused, naming those that are known and no password', async () => {
  for (const url of ['mysql://:secret@localhost', 'localhost:2181', '/run/lock', '', 'constructor:']) {
    await assert.rejects(open(url), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(
        error.message,
        /^expected a URL that begins with one of zk: zookeeper: .*file: memory:, got /,
      );
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
  await assert.rejects(open('zk:localhost'), UsageError);
});

test('a file: URL is an absolute path on this host', () => {
  assert.equal(filePath('file:///var/lock/a%20b%23'), '/var/lock/a b#');
  for (const url of [
    'file://host/x',
    'file:x',
    'file:/x',
    'file://',
    'file:///a?b',
    'file:///a#b',
    'file:///a%2Fb',
  ]) {
    assert.throws(() => filePath(url), UsageError, url);
  }
});

test('nothing is opened for one who has given up', async () => {
  const reason = new Error('never mind');
  await assert.rejects(open('memory:', AbortSignal.abort(reason)), (error) => error === reason);
});
