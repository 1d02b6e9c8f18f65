import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Addresses } from '../migrating/addresses.js';
import { type Check, holds, waits } from '../migrating/checks.js';
import { startServices } from '../migrating/services.js';
import { Stage } from '../migrating/stage.js';

const EXAMPLES = new URL('../../examples/', import.meta.url);

/** Each file, where its command line stands, and what that is to do on the second host. */
const FILES: readonly (readonly [string, RegExp, Check])[] = [
  ['supervisord/serve.conf', /^command=(.+)$/m, waits('serve --port 8080')],
  ['systemd/serve.service', /^ExecStart=(.+)$/m, waits('serve --port 8080')],
  ['cron/report', /^\d+ \d+ \* \* \*\s+root\s+(.+)$/m, holds('report')],
];

let addresses: Addresses;
let services: AsyncDisposable;
before(async () => {
  ({ addresses, services } = await startServices(['zk1']));
});
after(() => services[Symbol.asyncDispose]());

for (const [name, pattern, check] of FILES) {
  test(`examples/${name}: one host runs it, the other one does not`, async (t) => {
    const text = readFileSync(new URL(name, EXAMPLES), 'utf8');
    const line = pattern.exec(text)?.[1];
    assert.ok(line, `a command line in ${name}`);
    const variables = /^LOCKEX_ZKHOSTS=.+$/m.exec(text)?.[0] ?? '';
    await check(await Stage.make(t, addresses), `${variables} ${line}`.replaceAll('/usr/local/bin/', ''));
  });
}
