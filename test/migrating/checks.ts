import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { until } from '../../src/testing/until.js';
import { kazoo } from '../backend/zookeeper/kazoo-peer.js';
import { alive } from '../helpers/processes.js';
import { startProxy } from '../helpers/proxy.js';
import { SessionThief } from '../helpers/session-thief.js';
import { HOLD_S, type LineRun, type Stage } from './stage.js';

/** What a line of the document is seen to do. */
export type Check = (stage: Stage, line: string) => Promise<void>;

/** What a command that SIGTERM ended leaves as its status. */
const ENDED_BY_US = 143;

/** The command runs as given, a second one waits, and runs when the first one has ended. */
export function waits(words: string): Check {
  return async (stage, line) => {
    const first = await stage.start(line);
    assert.equal((await first.running()).words, words);
    const second = await stage.start(line);
    await second.waiting();
    await first.end();
    assert.equal(first.ended?.code, ENDED_BY_US, first.stderr);
    assert.equal((await second.running()).words, words);
    await second.end();
  };
}

/** The command runs as given; meanwhile a second one ends with `status`, not before `afterMs`, and runs nothing. */
export function refuses(words: string, status: number, afterMs = 0): Check {
  return async (stage, line) => {
    const first = await stage.start(line);
    assert.equal((await first.running()).words, words);
    const startedAt = performance.now();
    const second = await stage.start(line);
    assert.equal(await second.refused(), status, second.stderr);
    assert.ok(performance.now() - startedAt >= afterMs, `not before ${afterMs} ms`);
    await first.end();
  };
}

/** The command has run and ended, and for the time of the hold nobody else runs it; then the next one does. */
export function holds(words: string): Check {
  return async (stage, line) => {
    const startedAt = performance.now();
    const first = await stage.start(line, 0);
    assert.deepEqual(await first.exited, { code: 0, signal: null }, first.stderr);
    assert.deepEqual(
      first.started.map((each) => each.words),
      [words],
    );
    const second = await stage.start(line, 0);
    assert.equal(await second.refused(), 1, second.stderr);
    const patient = await stage.start(line.replace('--once ', ''), 0);
    assert.equal((await patient.running()).words, words);
    assert.ok(performance.now() - startedAt >= HOLD_S * 1000, 'not before the hold has passed');
    await patient.exited;
  };
}

/** As many as there are permits run at once, and the next one waits; another number, or none, is refused. */
export function permits(words: string, number: number): Check {
  return async (stage, line) => {
    const runs = await Promise.all(Array.from({ length: number }, () => stage.start(line)));
    for (const run of runs) assert.equal((await run.running()).words, words);
    const next = await stage.start(line);
    await next.waiting();
    for (const other of [line.replace(`-c ${number}`, '-c 2'), line.replace(`-c ${number} `, '')]) {
      assert.notEqual(other, line);
      const refused = await stage.start(other);
      assert.equal(await refused.refused(), 64, refused.stderr);
    }
    await runs[0]?.end();
    assert.equal((await next.running()).words, words);
    for (const run of [...runs.slice(1), next]) await run.end();
  };
}

/** Readers run together; a writer, the same line without `--shared`, waits for them. */
export function shares(words: string): Check {
  return async (stage, line) => {
    const readers = [await stage.start(line), await stage.start(line)];
    for (const reader of readers) assert.equal((await reader.running()).words, words);
    const writer = await stage.start(line.replace('--shared ', ''));
    await writer.waiting();
    for (const reader of readers) await reader.end();
    await writer.running();
    await writer.end();
  };
}

/** It runs once, exits with the command's status, and has written this. */
export function writes(expected: RegExp, status = 0): Check {
  return async (stage, line) => {
    const run = await stage.start(line, status);
    assert.deepEqual(await run.exited, { code: status, signal: null }, run.stderr);
    assert.match(run.stdout, expected);
  };
}

/** The command's own status is the line's. */
export function keepsTheStatus(words: string): Check {
  return async (stage, line) => {
    const run = await stage.start(line, 7);
    assert.deepEqual(await run.exited, { code: 7, signal: null }, run.stderr);
    assert.deepEqual(
      run.started.map((each) => each.words),
      [words],
    );
  };
}

/** The shell's redirection is in effect: the file is there. */
export function redirects(file: string): Check {
  return async (stage, line) => {
    const run = await stage.start(line, 0);
    assert.deepEqual(await run.exited, { code: 0, signal: null }, run.stderr);
    assert.equal(stage.read(file), '');
    assert.equal(run.started.length, 1);
  };
}

/** While it runs, a line of theirs gives up with `status` and has run nothing; ours by itself waits. */
export function excludes(theirs: string, status: number, ours: string): Check {
  return async (stage, line) => {
    const first = await stage.start(line);
    await first.running();
    const old = await stage.start(theirs);
    assert.equal(await old.refused(), status, old.stderr);
    const other = await stage.start(ours);
    await other.waiting();
    await first.end();
    await other.running();
    await other.end();
  };
}

/** While it runs, another line waits for it. */
export function sharesTheLockOf(other: string): Check {
  return async (stage, line) => {
    const first = await stage.start(line);
    await first.running();
    const second = await stage.start(other);
    await second.waiting();
    await first.end();
    await second.running();
    await second.end();
  };
}

/** It holds the lock until it gets SIGTERM, and then the next one has it. */
export const staysUntilTold: Check = async (stage, line) => {
  // What is told to stop is lockex, and not the shell around it.
  const first = await stage.start(`exec ${line}`);
  await until(() => first.hasLogged('acquired'), `the first has the lock; so far: ${first.stderr}`);
  const second = await stage.start(`exec ${line}`);
  await second.waiting();
  first.kill('SIGTERM');
  assert.deepEqual(await first.exited, { code: ENDED_BY_US, signal: null }, first.stderr);
  await until(() => second.hasLogged('acquired'), 'the second has the lock');
  second.kill('SIGTERM');
  await second.exited;
};

/** Each run writes a greater number than the one before. */
export const grows: Check = async (stage, line) => {
  const numbers: bigint[] = [];
  for (let count = 0; count < 3; count += 1) {
    const run = await stage.start(line);
    assert.deepEqual(await run.exited, { code: 0, signal: null }, run.stderr);
    assert.match(run.stdout, /^\d+\n$/);
    numbers.push(BigInt(run.stdout));
  }
  const [one = 0n, two = 0n, three = 0n] = numbers;
  assert.ok(one < two && two < three, numbers.join(' '));
};

/** A line of theirs holds: ours waits inside, where it is theirs, and runs when the other has ended. */
export function waitsInsideFor(theirs: string, standsInLine: (run: LineRun) => boolean): Check {
  return async (stage, line) => {
    const old = await stage.start(theirs);
    await old.running();
    const run = await stage.start(line);
    await until(() => run.hasLogged('acquired') && standsInLine(run), `the tool within ${line} waits`);
    assert.deepEqual(run.started, []);
    await old.end();
    await run.running();
    await run.end();
  };
}

/** Whether a process of a run waits for a lock of flock's. */
export function waitsForFlock(run: LineRun): boolean {
  const waiters = readFileSync('/proc/locks', 'utf8').matchAll(/-> FLOCK +ADVISORY +\w+ (\d+) /g);
  const tree = run.tree();
  return [...waiters].some(([, pid]) => tree.includes(Number(pid)));
}

/** It says this in its log, at the level that the line has. */
export function says(pattern: RegExp): Check {
  return async (stage, line) => {
    const run = await stage.start(line);
    await run.running();
    assert.ok(
      run.logs.some(({ msg }) => pattern.test(String(msg))),
      run.stderr,
    );
    await run.end();
  };
}

/** One that waits says who holds the lock, and since when. */
export const tellsWhoHolds: Check = async (stage, line) => {
  const first = await stage.start(line);
  const { words } = await first.running();
  const second = await stage.start(line);
  await second.waiting();
  assert.match(
    second.stderr,
    new RegExp(`waiting: held by \\S+:\\d+ \\(${words}\\) since \\d\\d:\\d\\d:\\d\\d`),
  );
  await first.end();
  await second.end();
};

/** In ZooKeeper it is kazoo's lock at this path: kazoo does not get it while it runs, and does when it has ended. */
export function isKazoosLock(path: string): Check {
  return async (stage, line) => {
    const peerOf = () => stage.use(kazoo(stage.addresses.zookeeper ?? '', 'lock', path, 'peer:1'));
    const run = await stage.start(line);
    await run.running();
    assert.equal(await (await peerOf()).ask('try'), 'refused');
    await run.end();
    const peer = await peerOf();
    assert.equal(await peer.ask('try'), 'acquired');
    const next = await stage.start(line);
    await next.waiting();
    await peer.ask('release');
    await next.running();
    await next.end();
  };
}

/** A daemon that its command leaves behind is dead when it has ended. */
export const stopsWhatIsLeft: Check = async (stage, line) => {
  const run = await stage.start(line, 'leaves');
  assert.deepEqual(await run.exited, { code: 0, signal: null }, run.stderr);
  const [, left] = run.started;
  assert.equal(left?.words, 'left');
  assert.equal(alive(left.pid), false);
};

/** The lock is kept for as long as the command runs, also when the minimum hold has passed. */
export function outlastsItsHold(words: string): Check {
  return async (stage, line) => {
    // One that waits, should the hold of a run before be in effect.
    const first = await stage.start(line.replace('--once ', ''));
    assert.equal((await first.running()).words, words);
    const since = performance.now();
    // A second more: a service may round a hold up.
    await until(() => performance.now() - since > (HOLD_S + 1) * 1000, 'the hold has passed');
    const second = await stage.start(line, 0);
    assert.equal(await second.refused(), 1, second.stderr);
    await first.end();
    const third = await stage.start(line, 0);
    await third.running();
    await third.exited;
  };
}

/** With a hold as long as the line has it, a server that was started a moment ago lets nobody run it. */
export const isRefusedByAYoungServer: Check = async (stage, line) => {
  const run = await stage.start(line, 0, { wholeHold: true });
  assert.equal(await run.refused(), 69, run.stderr);
  assert.match(run.stderr, /started/);
};

/** Nobody answers: it gives up with 69 when it has tried so often. */
export function triesSoOften(count: number): Check {
  return async (stage, line) => {
    const env = { LOCKEX_LOG_LEVEL: 'debug' };
    const run = await stage.start(line, 0, { addresses: { zookeeper: '127.0.0.1:1' }, env });
    assert.equal(await run.refused(), 69, run.stderr);
    const tries = run.logs.filter(({ msg }) => msg === 'a connection to ZooKeeper ended');
    assert.equal(tries.length, count, run.stderr);
  };
}

/** More resets of its connection than it may make attempts at first do not touch it. */
export function survivesResets(count: number): Check {
  return async (stage, line) => {
    const proxy = await stage.use(startProxy(stage.addresses.zookeeper ?? ''));
    const run = await stage.start(line, 'stays', { addresses: { zookeeper: proxy.address } });
    await run.running();
    for (let round = 0; round < count; round += 1) {
      const { accepted } = proxy;
      proxy.reset();
      await until(() => proxy.accepted > accepted, 'it connects again');
    }
    const second = await stage.start(line);
    await second.waiting();
    assert.equal(run.ended, undefined, run.stderr);
    await run.end();
    await second.running();
    await second.end();
  };
}

/** While it waits, it takes so many places in line, one after each session that it loses, and then gives up with 69. */
export function takesPlaces(count: number): Check {
  return async (stage, line) => {
    const holder = await stage.start(line);
    await holder.running();
    const thief = await stage.use(SessionThief.start(stage.addresses.zookeeper ?? ''));
    const waiter = await stage.start(line, 0, { addresses: { zookeeper: thief.address } });
    await waiter.waiting();
    for (let place = 1; place <= count; place += 1) {
      await until(() => thief.sessions === place || waiter.ended, `session ${place} of ${waiter.line}`);
      assert.equal(waiter.ended, undefined, waiter.stderr);
      await thief.endSession();
    }
    assert.equal(await waiter.refused(), 69, waiter.stderr);
    await holder.end();
  };
}

/** All of them, one after the other. */
export function all(...checks: readonly Check[]): Check {
  return async (stage, line) => {
    for (const check of checks) await check(stage, line);
  };
}
