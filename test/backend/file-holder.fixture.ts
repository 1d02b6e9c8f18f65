/*
 * A supervisor to be killed: `DIR TREE_ID`. Contends for `crash/r`; says `waiting` when it has to wait and, once it
 * holds, starts a command that carries the mark and says `holding PID`.
 */
import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { openFile } from '../../src/backend/file/index.js';
import { systemClock } from '../../src/util/clock.js';
import { silentLog } from '../../src/util/log.js';

const [, , dir = '', treeId = ''] = process.argv;
const backend = await openFile(dir, { clock: systemClock, log: silentLog });
await backend.acquire(
  {
    resource: 'crash/r',
    permits: 1,
    mode: 'exclusive',
    identity: { host: hostname(), pid: process.pid, command: 'sleep' },
    treeId,
    onQueue: () => console.log('waiting'),
  },
  new AbortController().signal,
);
const command = spawn('sleep', ['1000'], {
  detached: true,
  stdio: 'ignore',
  env: { ...process.env, LOCKEX_TREE: `${'0'.repeat(32)} ${treeId}` },
});
console.log(`holding ${command.pid}`);
