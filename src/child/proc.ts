import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { codeOf } from '../util/errors.js';
import { judgeMark, LOOKS, type MarkReading, type Shown } from './mark.js';
import { type ProcessFacts, parseStat } from './process-facts.js';

/** The process is gone, or hidden from us (another user's, or a `/proc` mounted with `hidepid`). */
const NOT_THERE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

/** For every read, one after the other: a quarter of what `readFileSync` takes, which matters with 500 processes. */
let buffer = Buffer.allocUnsafe(16 * 1024);

/** A file of one process. Throws what is no answer (too many open files): that must not pass for "gone". */
function read(pid: number | 'self', file: 'stat' | 'environ'): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(`/proc/${pid}/${file}`, 'r');
    let length = 0;
    for (;;) {
      const got = readSync(fd, buffer, length, buffer.length - length, null);
      if (got === 0) return buffer.toString('latin1', 0, length);
      length += got;
      if (length === buffer.length) buffer = Buffer.concat([buffer], 2 * length);
    }
  } catch (error) {
    if (NOT_THERE.has(codeOf(error))) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** One process; `undefined` when it is gone or hidden, or when there is no `/proc`. */
export function readProcess(pid: number | 'self'): ProcessFacts | undefined {
  const line = read(pid, 'stat');
  return line === undefined ? undefined : parseStat(line);
}

/**
 * Every process that we may see, the newest first: what forks and exits without pause is caught only there. Not of
 * one instant: what is forked meanwhile may be missing, therefore one look never proves that a tree is gone.
 * @throws the system's error when `/proc` cannot be read
 */
export function readProcesses(): ProcessFacts[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger).reverse();
  return pids.flatMap((pid) => readProcess(pid) ?? []);
}

/** Whether a process carries the mark of a tree. Looks again as long as that cannot be told. */
export function readMark(facts: ProcessFacts, treeId: string): MarkReading {
  const looks: Shown[] = [];
  let reading: MarkReading = 'undecided';
  while (reading === 'undecided' && looks.length < LOOKS) {
    const environ = read(facts.pid, 'environ');
    looks.push({ environ, facts: environ === '' ? readProcess(facts.pid) : facts });
    reading = judgeMark(looks, treeId);
  }
  return reading;
}
