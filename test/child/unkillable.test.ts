import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, copyFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { until } from '../../src/testing/until.js';
import { alive } from '../helpers/processes.js';
import { Host } from './host.js';
import { atEachLevel, LEVELS } from './levels.js';
import type { Stage } from './stage.js';

/** A program that becomes root's, whoever starts it: nobody but root can kill it then. */
function setuidProgram(stage: Stage): void {
  chmodSync(stage.dir, 0o777);
  copyFileSync('/usr/bin/setpriv', stage.path('become'));
  chmodSync(stage.path('become'), 0o4755);
}

const SCRIPT =
  '"$STAGE/become" --reuid 0 --regid 0 --clear-groups -- sleep 60 & echo $! > "$STAGE/pid"; wait';
const COMPLAINT = /^the tree is not dead in spite of SIGKILL, the lock is kept: (\d+) sleep \(state S\)$/gm;

async function immortal(stage: Stage): Promise<number> {
  const pid = Number(await until(() => stage.text('pid').endsWith('\n') && stage.text('pid'), 'it runs'));
  await until(() => stage.command(pid) === 'sleep', 'it has become root’s');
  return pid;
}

// Only root can make a program that becomes root, and nobody else can make a cgroup.
const levels = process.getuid?.() === 0 ? LEVELS.filter((level) => level !== 'cgroup') : [];

atEachLevel(
  'a tree that cannot be killed is told of every few seconds, and lockex goes on until it is dead',
  async (stage, t) => {
    setuidProgram(stage);
    const order = {
      isolation: stage.level,
      group: 'own',
      file: '/bin/sh',
      args: ['-c', SCRIPT],
    } as const;
    const host = await Host.start(t, 'nobody', order, { STAGE: stage.dir });
    const pid = await immortal(stage);
    t.after(() => alive(pid) && process.kill(pid, 'SIGKILL'));
    host.stop();
    const complaints = () => [...host.run.stderr.matchAll(COMPLAINT)].map(([, named]) => Number(named));
    await until(() => complaints().length >= 2, 'it is told of twice');
    assert.deepEqual(new Set(complaints()), new Set([pid]));
    assert.equal(host.run.stdout.includes('stopped'), false);
    assert.ok(alive(pid));
    process.kill(pid, 'SIGKILL');
    await until(() => host.run.stdout.endsWith('stopped\n'), 'lockex knows that it is dead');
    await until(() => host.run.ended, 'the host has ended');
  },
  levels,
);

atEachLevel(
  'lockex killed, its guardian keeps the lock while the tree cannot be killed',
  async (stage, t) => {
    setuidProgram(stage);
    let given = false;
    const server = createServer((socket) => {
      given = true;
      socket.end();
    });
    t.after(() => server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // A server that listens on a port.
    const { port } = server.address() as AddressInfo;
    const order = {
      isolation: stage.level,
      group: 'own',
      file: '/bin/sh',
      args: ['-c', SCRIPT],
      farewells: [{ addresses: [{ host: '127.0.0.1', port }], hex: '00', taken: '.' }],
    } as const;
    const host = await Host.start(t, 'nobody', order, { STAGE: stage.dir });
    const pid = await immortal(stage);
    t.after(() => alive(pid) && process.kill(pid, 'SIGKILL'));
    host.run.kill('SIGKILL');
    const child = Number(/^started (\d+)/.exec(host.run.stdout)?.[1]);
    await until(() => !alive(child), 'the command is dead');
    // A tree that can be killed is dead and given back long before that.
    const later = performance.now() + 1500;
    await until(() => performance.now() > later, 'the guardian goes on');
    assert.deepEqual([alive(pid), given, host.guardians().length], [true, false, 1]);
    process.kill(pid, 'SIGKILL');
    await until(() => given, 'the lock is given back');
    await until(() => host.guardians().length === 0, 'the guardian has gone');
  },
  levels,
);
