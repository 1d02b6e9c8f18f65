import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeferredLog } from '../../src/util/deferred-log.js';
import type { Log } from '../../src/util/log.js';

test('lines from before there is a log are written, in order and at their level, as soon as there is one', () => {
  const written: string[] = [];
  const write =
    (level: string) =>
    (fields: object, message: string): void =>
      void written.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };

  const deferred = new DeferredLog();
  deferred.info({ n: 1 }, 'first');
  deferred.error({}, 'second');
  assert.deepEqual(written, []);

  deferred.become(log);
  deferred.warn({}, 'third');
  deferred.debug({}, 'fourth');
  assert.deepEqual(written, ['info first {"n":1}', 'error second {}', 'warn third {}', 'debug fourth {}']);
});
