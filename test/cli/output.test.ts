import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { createLogger } from '../../src/cli/logger.js';
import { Output } from '../../src/cli/output.js';
import { until } from '../../src/testing/until.js';
import { systemClock } from '../../src/util/clock.js';
import { tempDir } from '../helpers/temp.js';

const note = (dropped: number) => `${dropped} dropped\n`;

/** A pipe whose ends we hold ourselves. */
async function pipe() {
  const dir = await tempDir('pipe');
  const path = dir.join('fifo');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const open = new Set([reader, writer]);
  const close = (fd: number) => void (open.delete(fd) && closeSync(fd));
  const buffer = Buffer.alloc(1 << 20);
  return {
    writer,
    /** What is in the pipe now; nothing when it is empty. */
    read(): string {
      try {
        return buffer.toString('utf8', 0, readSync(reader, buffer));
      } catch {
        return '';
      }
    },
    hangUp: () => close(reader),
    async [Symbol.asyncDispose]() {
      for (const fd of [...open]) close(fd);
      await dir[Symbol.asyncDispose]();
    },
  };
}

test('lines come out whole and in order', async () => {
  await using dir = await tempDir('output');
  const fd = openSync(dir.join('log'), 'w');
  const output = new Output(fd, systemClock, note);
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index} ü\n`);
  for (const line of lines) output.write(line);
  await output.flush(10_000);
  closeSync(fd);
  assert.equal(readFileSync(dir.join('log'), 'utf8'), lines.join(''));
});

test('a reader that has stopped holds nobody up, loses lines, and is told how many when it goes on', async () => {
  await using fifo = await pipe();
  const output = new Output(fifo.writer, systemClock, note);
  const line = `${'x'.repeat(999)}\n`;
  for (let i = 0; i < 1000; i++) output.write(line);
  await output.flush(50);

  let read = '';
  await until(() => {
    read += fifo.read();
    return /dropped\n$/.test(read);
  }, 'the count of the dropped lines');
  await output.flush(10_000);
  const [, dropped = ''] = /(\d+) dropped\n$/.exec(read) ?? [];
  assert.ok(Number(dropped) > 0);
  assert.equal(read.split(line).length - 1 + Number(dropped), 1000);
});

test('a reader that has gone ends the log and nothing else', async () => {
  await using fifo = await pipe();
  const output = new Output(fifo.writer, systemClock, note);
  fifo.hangUp();
  output.write('into nothing\n');
  await output.flush(10_000);
  output.write('and again\n');
  await output.flush(10_000);
});

test('a line of JSON has the level as a word, the time in ISO, name and pid, and the fields', async () => {
  await using fifo = await pipe();
  const logger = createLogger(
    { level: 'info', format: 'json' },
    { format: 'json', colours: false, spinner: false },
    systemClock,
    fifo.writer,
  );
  logger.log.debug({}, 'not asked for');
  logger.log.warn({ lock: 'x' }, 'said');
  await logger.flush(10_000);
  const { time, ...record } = JSON.parse(fifo.read());
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(record, { level: 'warn', name: 'lockex', pid: process.pid, lock: 'x', msg: 'said' });
});
