import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FIXTURES, Stage } from './stage.js';

const HOST = `'${process.execPath}' --import tsx '${join(FIXTURES, 'terminal-host.ts')}' "$STAGE/found"`;

async function found(t: TestContext, script: string): Promise<unknown> {
  const stage = new Stage(t);
  const child = await stage.shell(script);
  assert.deepEqual(await child.exited, { how: 'exited', code: 0 });
  return JSON.parse(stage.text('found'));
}

/** Runs a shell script on a terminal of its own; util-linux `script` makes one. */
function onTerminal(script: string): string {
  return `export SCRIPT="${script.replace(/["$]/g, '\\$&')}"; exec script -qec 'eval "$SCRIPT"' /dev/null < /dev/null > /dev/null`;
}

test('lockex knows that it runs in the foreground of a terminal', async (t) => {
  assert.deepEqual(await found(t, onTerminal(HOST)), { controlling: true, foreground: true });
});

test('lockex knows that it runs in the background of a terminal', async (t) => {
  assert.deepEqual(await found(t, onTerminal(`set -m; ${HOST} & wait`)), {
    controlling: true,
    foreground: false,
  });
});

test('lockex knows that it has no terminal', async (t) => {
  assert.deepEqual(await found(t, HOST), { controlling: false, foreground: false });
});
