import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { Claim, LockBackend } from '../../src/backend/contract.js';
import { openFile } from '../../src/backend/file/index.js';
import { until } from '../../src/testing/until.js';
import { systemClock } from '../../src/util/clock.js';
import { codeOf, LeaseLostError } from '../../src/util/errors.js';
import { silentLog } from '../../src/util/log.js';
import { helpersOf, keeperOf, keeperOfHolder, notesIn, waitersOf } from '../helpers/file-backend.js';
import { alive } from '../helpers/processes.js';
import { type TempDir, tempDir } from '../helpers/temp.js';

const TREE_ID = 'ab'.repeat(16);
const FIXTURE = join(import.meta.dirname, 'file-holder.fixture.ts');
const never = new AbortController().signal;

function claim(part: Partial<Claim> = {}): Claim {
  const identity = { host: 'h', pid: 1, command: 'c' };
  return { resource: 'crash/r', permits: 1, mode: 'exclusive', identity, ...part };
}

const openIn = (dir: TempDir): Promise<LockBackend> =>
  openFile(dir.path, { clock: systemClock, log: silentLog });

interface Supervisor extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly lines: string[];
  /** The pid of its command, once it holds. */
  command(): Promise<number>;
  kill9(): Promise<void>;
}

function supervise(dir: TempDir, treeId: string): Supervisor {
  const child = spawn(process.execPath, ['--import', 'tsx', FIXTURE, dir.path, treeId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  const holding = () => lines.find((line) => line.startsWith('holding '));
  const kill9 = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return {
    process: child,
    lines,
    command: async () => Number((await until(holding, 'the supervisor holds')).split(' ')[1]),
    kill9,
    async [Symbol.asyncDispose]() {
      await kill9();
      const command = Number(holding()?.split(' ')[1]);
      if (alive(command)) process.kill(command, 'SIGKILL');
    },
  };
}

async function assertNothingLeft(dir: TempDir): Promise<void> {
  await until(
    () => readdirSync(dir.path).length === 0 && helpersOf(dir.path).length === 0,
    'nothing is left',
  );
}

test('a lock outlives a killed supervisor until the last process of its tree is dead', async () => {
  await using dir = await tempDir('file-crash');
  {
    await using supervisor = supervise(dir, TREE_ID);
    const command = await supervisor.command();
    await using next = await openIn(dir);
    await supervisor.kill9();
    let granted = false;
    const waiting = next.acquire(claim(), never).then((lease) => {
      granted = true;
      assert.equal(alive(command), false, 'the tree of the killed supervisor lives');
      return lease;
    });
    const [holder] = await next.contenders('crash/r', never);
    assert.deepEqual([holder?.state, holder?.pid], ['holding', supervisor.process.pid]);
    await until(() => notesIn(dir.path).some((note) => waitersOf(note).length > 0), 'the next one waits');
    assert.equal(granted, false);
    process.kill(command, 'SIGKILL');
    await (await waiting).release();
  }
  await assertNothingLeft(dir);
});

test('a lock whose tree has no mark ends with its supervisor: it is the mark that keeps it', async () => {
  await using dir = await tempDir('file-crash');
  {
    await using supervisor = supervise(dir, '');
    const command = await supervisor.command();
    await using next = await openIn(dir);
    await supervisor.kill9();
    await (await next.acquire(claim(), never)).release();
    assert.ok(alive(command));
  }
  await assertNothingLeft(dir);
});

test('a supervisor killed while it waits leaves no process in line', async () => {
  await using dir = await tempDir('file-crash');
  {
    await using holder = await openIn(dir);
    const lease = await holder.acquire(claim(), never);
    const before = helpersOf(dir.path);
    await using supervisor = supervise(dir, TREE_ID);
    await until(() => supervisor.lines.includes('waiting'), 'the supervisor waits');
    await until(() => helpersOf(dir.path).length > before.length + 1, 'its processes are there');
    await supervisor.kill9();
    await until(() => helpersOf(dir.path).length === before.length, 'only the keeper of the holder is left');
    assert.equal((await holder.contenders('crash/r', never)).length, 1);
    assert.equal(lease.isLost(), false);
  }
  await assertNothingLeft(dir);
});

test('a lease is lost when its keeper is killed, and the lock is nobody else’s until it is given back', async () => {
  await using dir = await tempDir('file-crash');
  {
    await using backend = await openIn(dir);
    const lease = await backend.acquire(claim({ lossGraceMs: 5000 }), never);
    process.kill(keeperOfHolder(dir.path), 'SIGKILL');
    await until(() => lease.lost.aborted, 'the loss is noticed');
    const { reason } = lease.lost;
    assert.ok(reason instanceof LeaseLostError);
    assert.deepEqual([reason.lossCause, reason.remainingMs], ['holder-died', 5000]);
    assert.equal(await backend.tryAcquire(claim(), never), undefined);
    await lease.release();
    await (await backend.acquire(claim(), never)).release();
  }
  await assertNothingLeft(dir);
});

test('what a supervisor and its keeper leave when both are killed keeps nobody out, of any kind', async () => {
  await using dir = await tempDir('file-crash');
  {
    await using supervisor = supervise(dir, TREE_ID);
    await supervisor.command();
    const keeper = keeperOfHolder(dir.path);
    supervisor.process.kill('SIGSTOP');
    process.kill(keeper, 'SIGKILL');
    await supervisor.kill9();
    await until(() => !alive(keeper), 'the keeper is dead');
    assert.equal(notesIn(dir.path).length, 1);
    await using next = await openIn(dir);
    assert.deepEqual(await next.contenders('crash/r', never), []);
    await (await next.acquire(claim({ permits: 2 }), never)).release();
  }
  await assertNothingLeft(dir);
});

test('a waiter whose keeper, or whose place in line, is killed takes a new place', async () => {
  await using dir = await tempDir('file-crash');
  {
    await using backend = await openIn(dir);
    const held = await backend.acquire(claim(), never);
    const holdersNote = notesIn(dir.path)[0];
    const waiting = backend.acquire(claim(), never);
    const place = () => {
      const note = notesIn(dir.path).find((name) => name !== holdersNote);
      const waiter = note === undefined ? undefined : waitersOf(note)[0];
      return note !== undefined && waiter !== undefined ? { note, waiter } : undefined;
    };
    const first = await until(place, 'it waits');
    process.kill(keeperOf(first.note) ?? Number.NaN, 'SIGKILL');
    const second = await until(() => (place()?.note !== first.note ? place() : undefined), 'it waits again');
    await until(() => !alive(first.waiter), 'the process that waited first is gone');
    process.kill(second.waiter, 'SIGKILL');
    await until(() => (place()?.note !== second.note ? place() : undefined), 'it waits once more');
    await held.release();
    await (await waiting).release();
  }
  await assertNothingLeft(dir);
});

/** What a process has open. What it closes meanwhile, such as the libraries that it loads, is not among it. */
function filesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  });
}

test('the processes of a lock carry none of our environment, and a command none of its files', async () => {
  await using dir = await tempDir('file-crash');
  await using backend = await openIn(dir);
  const lease = await backend.acquire(claim({ treeId: TREE_ID }), never);
  const environ = readFileSync(`/proc/${keeperOfHolder(dir.path)}/environ`, 'utf8');
  assert.match(environ, /^PATH=[^\0]*\0$/);
  const command = spawn('sleep', ['1000']);
  await once(command, 'spawn');
  try {
    const open = filesOf(command.pid ?? 0);
    assert.deepEqual(
      open.filter((path) => path.startsWith(dir.path)),
      [],
    );
  } finally {
    command.kill('SIGKILL');
  }
  await lease.release();
});
