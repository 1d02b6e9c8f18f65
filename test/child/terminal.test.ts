import assert from 'node:assert/strict';
import { join } from 'node:path';
import { atEachLevel } from './levels.js';
import { FIXTURES, type Stage } from './stage.js';

const HOST = `'${process.execPath}' --import tsx '${join(FIXTURES, 'terminal-host.ts')}' "$STAGE/found"`;

async function found(stage: Stage, script: string): Promise<unknown> {
  const child = await stage.shell(script);
  assert.deepEqual(await child.exited, { how: 'exited', code: 0 });
  return JSON.parse(stage.text('found'));
}

/** Runs a shell script on a terminal of its own; util-linux `script` makes one. */
function onTerminal(script: string): string {
  return `export SCRIPT="${script.replace(/["$]/g, '\\$&')}"; exec script -qec 'eval "$SCRIPT"' /dev/null < /dev/null > /dev/null`;
}

atEachLevel('lockex knows that it runs in the foreground of a terminal', async (stage) => {
  assert.deepEqual(await found(stage, onTerminal(HOST)), { controlling: true, foreground: true });
});

atEachLevel('lockex knows that it runs in the background of a terminal', async (stage) => {
  assert.deepEqual(await found(stage, onTerminal(`set -m; ${HOST} & wait`)), {
    controlling: true,
    foreground: false,
  });
});

atEachLevel('lockex knows that it has no terminal', async (stage) => {
  assert.deepEqual(await found(stage, HOST), { controlling: false, foreground: false });
});
