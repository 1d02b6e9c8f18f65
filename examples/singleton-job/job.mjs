import { appendFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * The job that exactly one instance does. Here it writes a line into a journal for each stretch of time in which it was the
 * only one: who, by which fencing token, from when to when (ms). Whoever reads the journal sees that no two stretches overlap.
 *
 * It ends when `end` aborts, or when the lease is no longer ours. `lease.owned` asks the clock: after a freeze of this
 * process it is false at once, before any signal could have said so. Hence it is asked right before each step that counts.
 */
export async function work(lease, end, { journal, instance, everyMs }) {
  const token = lease.fencingToken?.toString() ?? null;
  let from = Date.now();
  while (!end.aborted) {
    await pause(everyMs, undefined, { signal: end }).catch(() => {});
    if (!lease.owned) return;
    const to = Date.now();
    await appendFile(journal, `${JSON.stringify({ instance, token, from, to })}\n`);
    from = to;
  }
}
