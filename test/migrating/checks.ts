import assert from 'node:assert/strict';
import { until } from '../../src/testing/until.js';
import { HOLD_S, type Stage } from './stage.js';

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

/** Nobody runs it, and yet it ends with status 1: the hold of one that ran before is still in effect. */
export const isHeldStill: Check = async (stage, line) => {
  const run = await stage.start(line, 0);
  assert.equal(await run.refused(), 1, run.stderr);
};

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

/** All of them, one after the other. */
export function all(...checks: readonly Check[]): Check {
  return async (stage, line) => {
    for (const check of checks) await check(stage, line);
  };
}
