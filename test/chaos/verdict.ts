/** A grant as the runner saw it, ms on one clock. */
export interface Grant {
  readonly run: string;
  readonly token: bigint;
  /** When the lockex that was granted it was started: it cannot have asked before. */
  readonly bornAt: number;
  /** When the start of its command was heard of: the grant cannot have been later. */
  readonly startedAt: number;
}

/**
 * What the witness file says against "never more than the permits at once": commands that found every slot taken.
 * @param lines `UPTIME start|overlap|apart TOKEN PID PARENT RUN`, uptime in seconds
 */
export function overlapsIn(lines: readonly string[]): { run: string; token: string; ms: number }[] {
  const events = lines.map((line) => {
    const [at, word, token = '', , , run = ''] = line.split(' ');
    return { at: Number(at), word, token, run };
  });
  return events
    .filter(({ word }) => word === 'overlap')
    .map(({ at, token, run }) => {
      const apart = events.find((event) => event.word === 'apart' && event.run === run);
      return { run, token, ms: Math.round(((apart?.at ?? Number.POSITIVE_INFINITY) - at) * 1000) };
    });
}

/** The tokens of the commands in the order in which they had their slot. */
function tokensIn(lines: readonly string[]): bigint[] {
  return lines.flatMap((line) => {
    const [, word, token = ''] = line.split(' ');
    return word === 'start' ? [BigInt(token)] : [];
  });
}

/**
 * What is wrong with the fencing tokens. With one permit they rise strictly from command to command. With several,
 * a command may be slow to start while others come and go through the other permits, with greater tokens: then what
 * holds is that no token comes twice, and that whoever began to ask after another one's start has the greater one.
 */
export function tokenFaults(lines: readonly string[], grants: readonly Grant[], permits: number): string[] {
  const tokens = tokensIn(lines);
  const faults: string[] = [];
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1];
    if (permits === 1 && before !== undefined && token <= before)
      faults.push(`token ${token} came after ${before}`);
  }
  if (new Set(tokens).size < tokens.length) faults.push('a token was given twice');
  return [...faults, ...outOfOrder(grants)];
}

function outOfOrder(grants: readonly Grant[]): string[] {
  const byBirth = [...grants].sort((a, b) => a.bornAt - b.bornAt);
  const byStart = [...grants].sort((a, b) => a.startedAt - b.startedAt);
  const faults: string[] = [];
  let greatest: Grant | undefined;
  let next = 0;
  for (const grant of byBirth) {
    for (
      let done = byStart[next];
      done !== undefined && done.startedAt < grant.bornAt;
      done = byStart[next]
    ) {
      if (greatest === undefined || done.token > greatest.token) greatest = done;
      next += 1;
    }
    if (greatest !== undefined && grant.token <= greatest.token) {
      faults.push(
        `${grant.run} asked after ${greatest.run} had started, and got ${grant.token}, not above ${greatest.token}`,
      );
    }
  }
  return faults;
}

/** The longest time, and all of it, in which nobody held between the first start and `until`, ms. */
export function idleTimes(
  trees: readonly { startedAt: number; endedAt: number | undefined }[],
  until: number,
): { longestMs: number; totalMs: number } {
  const byStart = [...trees].sort((a, b) => a.startedAt - b.startedAt);
  let [longestMs, totalMs, busyUntil] = [0, 0, byStart[0]?.startedAt ?? until];
  for (const { startedAt, endedAt } of [...byStart, { startedAt: until, endedAt: until }]) {
    const idle = Math.max(0, Math.min(startedAt, until) - busyUntil);
    longestMs = Math.max(longestMs, idle);
    totalMs += idle;
    busyUntil = Math.max(busyUntil, endedAt ?? until);
  }
  return { longestMs, totalMs };
}
