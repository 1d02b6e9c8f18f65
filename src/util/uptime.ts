import { closeSync, openSync, readSync } from 'node:fs';

/** `/proc/uptime` counts in hundredths of a second. */
const RESOLUTION_MS = 10;

/** Reads CLOCK_BOOTTIME, ms, rounded down to 10 ms. */
export type ReadUptime = () => number;

/**
 * CLOCK_BOOTTIME from `/proc/uptime` (proc(5)): it goes on while the host is suspended, and no change of the date moves it.
 * @returns `undefined` where there is no such file
 */
export function openUptime(path = '/proc/uptime'): ReadUptime | undefined {
  const buffer = Buffer.alloc(64);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  const read = (): number => {
    const length = readSync(fd, buffer, 0, buffer.length, 0);
    return Number.parseFloat(buffer.toString('latin1', 0, length)) * 1000;
  };
  if (!Number.isFinite(read())) {
    closeSync(fd);
    return undefined;
  }
  return read;
}

/**
 * A monotonic clock that counts the time of suspension, too: as fine as `monotonic`, which stands still in it, and put
 * forward whenever the two have drifted apart. It is never behind CLOCK_BOOTTIME by more than twice its resolution, and never
 * ahead of it: the guardian, which reads that clock alone, would kill later than we told it to.
 *
 * Hence the order: CLOCK_BOOTTIME first. This process may be stopped between the two readings for any time. Then the second is
 * the later one, and it is at least what the first was. The other way round the time that we stood still would be taken
 * for a drift, and would stay in all later answers.
 * @param monotonic ms, CLOCK_MONOTONIC; its zero means nothing
 */
export function steadyClock(monotonic: () => number, uptime: ReadUptime): () => number {
  let ahead = uptime() - monotonic();
  return () => {
    const atLeast = uptime();
    const now = monotonic();
    const drift = atLeast - (now + ahead);
    if (drift > RESOLUTION_MS) ahead += drift;
    return now + ahead;
  };
}
